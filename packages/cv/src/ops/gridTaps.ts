/** One axis of grid sampling: which pixels a coordinate in [-1, 1] reads, with what weight, and the weight's derivative. */

export type GridAttributes = {
  readonly mode: 'bilinear' | 'nearest' | 'bicubic';
  readonly paddingMode: 'zeros' | 'border' | 'reflection';
  readonly alignCorners: boolean;
};

export interface AxisTap {
  readonly index: number;
  readonly weight: number;
  /** d weight / d coordinate. */
  readonly slope: number;
}

/** A position in pixels and its derivative by the coordinate. */
interface Position {
  readonly value: number;
  readonly slope: number;
}

/** Taps inside the image; zero padding leaves the others out. */
export function axisTaps(coordinate: number, extent: number, attrs: GridAttributes): readonly AxisTap[] {
  const raw = toPixels(coordinate, extent, attrs.alignCorners);
  const inside = ({ index }: AxisTap) => index >= 0 && index < extent;
  if (attrs.mode === 'bicubic') return cubicTaps(raw, extent, attrs).filter(inside);
  const { value, slope } = bounded(raw, extent, attrs);
  if (attrs.mode === 'nearest')
    return [{ index: roundHalfToEven(value), weight: 1, slope: 0 }].filter(inside);
  const low = Math.floor(value);
  return [
    { index: low, weight: 1 - (value - low), slope: -slope },
    { index: low + 1, weight: value - low, slope },
  ].filter(inside);
}

function toPixels(coordinate: number, extent: number, alignCorners: boolean): Position {
  if (alignCorners) return { value: ((coordinate + 1) / 2) * (extent - 1), slope: (extent - 1) / 2 };
  return { value: ((coordinate + 1) * extent - 1) / 2, slope: extent / 2 };
}

/** Brings a position into the image as the padding mode says. */
function bounded(
  position: Position,
  extent: number,
  { paddingMode, alignCorners }: GridAttributes,
): Position {
  if (paddingMode === 'zeros') return position;
  if (paddingMode === 'border') return clipped(position, extent);
  return clipped(
    alignCorners ? reflected(position, 0, extent - 1) : reflected(position, -0.5, extent - 0.5),
    extent,
  );
}

function clipped({ value, slope }: Position, extent: number): Position {
  if (value <= 0) return { value: 0, slope: 0 };
  return value >= extent - 1 ? { value: extent - 1, slope: 0 } : { value, slope };
}

function reflected({ value, slope }: Position, low: number, high: number): Position {
  if (low === high) return { value: 0, slope: 0 };
  const distance = Math.abs(value - low);
  const direction = value < low ? -slope : slope;
  const flips = Math.floor(distance / (high - low));
  const rest = distance % (high - low);
  return flips % 2 === 0
    ? { value: low + rest, slope: direction }
    : { value: high - rest, slope: -direction };
}

function roundHalfToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

/** Keys' kernel with a = -0.75; each tap's index is brought into the image on its own. */
function cubicTaps({ value, slope }: Position, extent: number, attrs: GridAttributes): AxisTap[] {
  const low = Math.floor(value);
  return [-1, 0, 1, 2].map((offset) => {
    const signed = value - (low + offset);
    const d = Math.abs(signed);
    const [weight, derivative] =
      d <= 1 ? [(1.25 * d - 2.25) * d * d + 1, (3.75 * d - 4.5) * d] : outerCubic(d);
    const index = bounded({ value: low + offset, slope: 1 }, extent, attrs).value;
    return { index, weight, slope: derivative * Math.sign(signed) * slope };
  });
}

function outerCubic(d: number): [number, number] {
  return [-0.75 * (((d - 5) * d + 8) * d - 4), -0.75 * ((3 * d - 10) * d + 8)];
}
