/** What the numbers of a tensor are like: smallest, largest, mean, deviation, and how many are no numbers at all. */

import { elementReader, type FileTensorType, fileByteSize } from '@omma/nn';

export interface TensorStatistics {
  readonly count: number;
  /** Values that are NaN or infinite; the others make the rest of this. Null where there are none. */
  readonly nonFinite: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly std: number | null;
}

/** Of `bytes`, in one pass (Welford's sums), so that large tensors lose no digits. */
export function tensorStatistics({ dtype }: FileTensorType, bytes: Uint8Array): TensorStatistics {
  const read = elementReader(dtype, bytes);
  const count = bytes.length / fileByteSize(dtype);
  let [finite, mean, squares] = [0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    const value = read(i);
    if (!Number.isFinite(value)) continue;
    finite++;
    const delta = value - mean;
    mean += delta / finite;
    squares += delta * (value - mean);
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const nonFinite = count - finite;
  if (finite === 0) return { count, nonFinite, min: null, max: null, mean: null, std: null };
  return { count, nonFinite, min, max, mean, std: Math.sqrt(squares / finite) };
}
