/**
 * The inner loops of the contract ops' reference kernels: products of row-major float64 matrices, and images laid out as rows.
 *
 * Every product here is rows times rows (both operands contiguous along the summed axis), the only order that a JavaScript engine
 * runs at a useful speed; callers transpose first, which costs little beside the product.
 */

import type { NumericArray } from '../../device/numeric.ts';
import type { Pair, WindowGeometry } from '../window/geometry.ts';

/** Columns of a and b that are multiplied before the next ones: a slice of b stays in the processor's second-level cache. */
const depthBlock = 256;

/** c[m, n] = sum over k of a[m, k] * b[n, k]. */
export function multiplyRows(
  a: Float64Array,
  b: Float64Array,
  m: number,
  n: number,
  k: number,
): Float64Array {
  const c = new Float64Array(m * n);
  for (let from = 0; from < k; from += depthBlock) {
    const depth = Math.min(depthBlock, k - from);
    for (let i = 0; i + 1 < m; i += 2) addTwoRows(a, b, c, i, n, k, from, depth);
    if (m % 2 === 1) for (let j = 0; j < n; j++) addOne(a, b, c, m - 1, j, n, k, from, depth);
  }
  return c;
}

/** Adds the products of rows i and i + 1 of a with all rows of b, two by four at a time, so that each number is loaded less often. */
function addTwoRows(
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  i: number,
  n: number,
  k: number,
  from: number,
  depth: number,
): void {
  const blocked = n - (n % 4);
  for (let j = 0; j < blocked; j += 4) {
    let a0 = i * k + from;
    let a1 = a0 + k;
    let b0 = j * k + from;
    let b1 = b0 + k;
    let b2 = b1 + k;
    let b3 = b2 + k;
    let s00 = 0;
    let s01 = 0;
    let s02 = 0;
    let s03 = 0;
    let s10 = 0;
    let s11 = 0;
    let s12 = 0;
    let s13 = 0;
    for (const end = a0 + depth; a0 < end; a0++, a1++, b0++, b1++, b2++, b3++) {
      const x0 = a[a0] ?? 0;
      const x1 = a[a1] ?? 0;
      const y0 = b[b0] ?? 0;
      const y1 = b[b1] ?? 0;
      const y2 = b[b2] ?? 0;
      const y3 = b[b3] ?? 0;
      s00 += x0 * y0;
      s01 += x0 * y1;
      s02 += x0 * y2;
      s03 += x0 * y3;
      s10 += x1 * y0;
      s11 += x1 * y1;
      s12 += x1 * y2;
      s13 += x1 * y3;
    }
    const first = i * n + j;
    const second = first + n;
    c[first] = (c[first] ?? 0) + s00;
    c[first + 1] = (c[first + 1] ?? 0) + s01;
    c[first + 2] = (c[first + 2] ?? 0) + s02;
    c[first + 3] = (c[first + 3] ?? 0) + s03;
    c[second] = (c[second] ?? 0) + s10;
    c[second + 1] = (c[second + 1] ?? 0) + s11;
    c[second + 2] = (c[second + 2] ?? 0) + s12;
    c[second + 3] = (c[second + 3] ?? 0) + s13;
  }
  for (let j = blocked; j < n; j++) {
    addOne(a, b, c, i, j, n, k, from, depth);
    addOne(a, b, c, i + 1, j, n, k, from, depth);
  }
}

function addOne(
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  i: number,
  j: number,
  n: number,
  k: number,
  from: number,
  depth: number,
): void {
  let sum = 0;
  for (let p = from; p < from + depth; p++) sum += (a[i * k + p] ?? 0) * (b[j * k + p] ?? 0);
  c[i * n + j] = (c[i * n + j] ?? 0) + sum;
}

/** The transpose of a row-major [rows, columns] matrix that starts at `start`. */
export function transposed(data: NumericArray, rows: number, columns: number, start = 0): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[c * rows + r] = data[start + r * columns + c] ?? 0;
  }
  return result;
}

/** A float64 copy of `count` elements from `start`. */
export function copied(data: NumericArray, start: number, count: number): Float64Array {
  return Float64Array.from(data.subarray(start, start + count));
}

/** One group of channels of an NCHW image, and the places its windows stand at. */
export interface Patches {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly firstChannel: number;
  readonly groupChannels: number;
  readonly grid: Pair;
  readonly geometry: WindowGeometry;
}

/** Calls `visit(row, column, pixel)` for every tap of every window inside the image; rows are (n, oh, ow), columns (c, kh, kw). */
function forEachTap(patches: Patches, visit: (row: number, column: number, pixel: number) => void): void {
  const { batch, channels, height, width, firstChannel, groupChannels, grid, geometry } = patches;
  const [kh, kw] = geometry.kernel;
  const [top, left] = geometry.padding;
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < groupChannels; c++) {
      const plane = (n * channels + firstChannel + c) * height * width;
      for (let i = 0; i < kh; i++) {
        for (let j = 0; j < kw; j++) {
          const column = (c * kh + i) * kw + j;
          for (let oh = 0; oh < grid[0]; oh++) {
            const y = oh * geometry.stride[0] - top + i * geometry.dilation[0];
            if (y < 0 || y >= height) continue;
            for (let ow = 0; ow < grid[1]; ow++) {
              const x = ow * geometry.stride[1] - left + j * geometry.dilation[1];
              if (x >= 0 && x < width)
                visit((n * grid[0] + oh) * grid[1] + ow, column, plane + y * width + x);
            }
          }
        }
      }
    }
  }
}

/** Rows (n, oh, ow) of the pixels under each window, columns (c, kh, kw); zeros outside of the image. */
export function imageToRows(image: NumericArray, patches: Patches): Float64Array {
  const [kh, kw] = patches.geometry.kernel;
  const depth = patches.groupChannels * kh * kw;
  const rows = new Float64Array(patches.batch * patches.grid[0] * patches.grid[1] * depth);
  forEachTap(patches, (row, column, pixel) => {
    rows[row * depth + column] = image[pixel] ?? 0;
  });
  return rows;
}

/** The transpose of `imageToRows`, as a linear map: adds every row's numbers to the pixels they came from. */
export function addRowsToImage(rows: Float64Array, image: NumericArray, patches: Patches): void {
  const [kh, kw] = patches.geometry.kernel;
  const depth = patches.groupChannels * kh * kw;
  forEachTap(patches, (row, column, pixel) => {
    image[pixel] = (image[pixel] ?? 0) + (rows[row * depth + column] ?? 0);
  });
}

/** From NCHW, one group's channels, to rows (n, pixel) of channels. */
export function channelsLast(
  data: NumericArray,
  batch: number,
  channels: number,
  area: number,
  first: number,
  count: number,
): Float64Array {
  const rows = new Float64Array(batch * area * count);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < count; c++) {
      const plane = (n * channels + first + c) * area;
      for (let p = 0; p < area; p++) rows[(n * area + p) * count + c] = data[plane + p] ?? 0;
    }
  }
  return rows;
}

/** The reverse of `channelsLast`, writing into `data`. */
export function putChannels(
  rows: Float64Array,
  data: NumericArray,
  batch: number,
  channels: number,
  area: number,
  first: number,
  count: number,
): void {
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < count; c++) {
      const plane = (n * channels + first + c) * area;
      for (let p = 0; p < area; p++) data[plane + p] = rows[(n * area + p) * count + c] ?? 0;
    }
  }
}
