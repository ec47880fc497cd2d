/**
 * The inner loops of the contract ops' reference kernels: products of row-major float64 matrices, and images laid out as rows.
 *
 * Every product here is rows times rows (both operands contiguous along the summed axis), the only order that a JavaScript engine
 * runs at a useful speed; callers transpose first, which costs little beside the product.
 */

import type { NumericArray } from '../../device/numeric.ts';
import type { Pair, WindowGeometry } from '../window/geometry.ts';

/** c[m, n] = sum over k of a[m, k] * b[n, k], four rows of b at a time. */
export function multiplyRows(
  a: Float64Array,
  b: Float64Array,
  m: number,
  n: number,
  k: number,
): Float64Array {
  const c = new Float64Array(m * n);
  const blocked = n - (n % 4);
  for (let i = 0; i < m; i++) {
    const aStart = i * k;
    for (let j = 0; j < blocked; j += 4) {
      let b0 = j * k;
      let b1 = b0 + k;
      let b2 = b1 + k;
      let b3 = b2 + k;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let p = aStart; p < aStart + k; p++) {
        const value = a[p] ?? 0;
        s0 += value * (b[b0++] ?? 0);
        s1 += value * (b[b1++] ?? 0);
        s2 += value * (b[b2++] ?? 0);
        s3 += value * (b[b3++] ?? 0);
      }
      c[i * n + j] = s0;
      c[i * n + j + 1] = s1;
      c[i * n + j + 2] = s2;
      c[i * n + j + 3] = s3;
    }
    for (let j = blocked; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += (a[aStart + p] ?? 0) * (b[j * k + p] ?? 0);
      c[i * n + j] = sum;
    }
  }
  return c;
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
