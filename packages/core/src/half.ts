/**
 * The two 16-bit float formats, bit by bit: conversions between their patterns and JavaScript numbers.
 *
 * Rounding is to nearest, ties to even, as the hardware does it.
 */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Bit pattern of the bfloat16 nearest to `value`. */
export function toBfloat16(value: number): number {
  float[0] = value;
  const pattern = bits[0] ?? 0;
  if (Number.isNaN(value)) return 0x7fc0;
  return ((pattern + 0x7fff + ((pattern >>> 16) & 1)) >>> 16) & 0xffff;
}

export function fromBfloat16(pattern: number): number {
  bits[0] = pattern << 16;
  return float[0] ?? 0;
}

/** Bit pattern of the IEEE 754 binary16 nearest to `value`; overflow becomes infinity, small numbers subnormal. */
export function toFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundTiesToEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  const scaled = roundTiesToEven((magnitude / 2 ** exponent) * 1024);
  return sign | (((exponent + 15) << 10) + (scaled - 1024));
}

export function fromFloat16(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >>> 10) & 0x1f;
  const fraction = pattern & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function roundTiesToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest > 0.5 || (rest === 0.5 && low % 2 === 1)) return low + 1;
  return low;
}
