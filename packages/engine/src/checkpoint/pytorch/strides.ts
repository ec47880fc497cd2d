/** Numbers of a strided view, put in row-major order. */

/** Elements of `width` bytes at `offset` and `stride` (in elements) of `bytes`; the caller has checked that they lie within. */
export function gathered(
  bytes: Uint8Array,
  width: number,
  offset: number,
  shape: readonly number[],
  stride: readonly number[],
): Uint8Array {
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (size === 0) return new Uint8Array();
  if (isContiguous(shape, stride)) return bytes.subarray(offset * width, (offset + size) * width);
  const result = new Uint8Array(size * width);
  const place = shape.map(() => 0);
  let source = offset;
  for (let i = 0; i < size; i++) {
    for (let b = 0; b < width; b++) result[i * width + b] = bytes[source * width + b] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const step = stride[axis] ?? 0;
      place[axis] = (place[axis] ?? 0) + 1;
      source += step;
      if ((place[axis] ?? 0) < (shape[axis] ?? 0)) break;
      source -= step * (shape[axis] ?? 0);
      place[axis] = 0;
    }
  }
  return result;
}

function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    if (extent !== 1 && stride[axis] !== expected) return false;
    expected *= extent;
  }
  return true;
}
