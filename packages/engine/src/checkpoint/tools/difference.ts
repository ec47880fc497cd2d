/** How two files of weights differ: names, shapes, dtypes, numbers. */

import { sameShape } from '@omma/core';
import { elementReader, type FileDType, fileByteSize, fileTensorBytes } from '@omma/nn';
import type { ProgressListener, StoredTensor } from '../storedTensor.ts';
import type { WeightChoice } from '../weightChoice.ts';
import { openWeightFile } from '../weightFile.ts';
import type { WeightSourceOptions } from '../weightSource.ts';

export interface TensorDifference {
  readonly name: string;
  readonly dtypes: readonly [FileDType, FileDType];
  readonly shape: readonly number[];
  /** Largest |a - b|; infinite where only one of the two is finite. */
  readonly maxAbs: number;
  /** That, relative to the largest magnitude in the first file's tensor. */
  readonly maxRelative: number;
  readonly meanAbs: number;
}

export interface WeightDifference {
  readonly onlyInFirst: readonly string[];
  readonly onlyInSecond: readonly string[];
  readonly misshaped: readonly { readonly name: string; readonly shapes: readonly (readonly number[])[] }[];
  /** Tensors whose numbers differ, largest relative difference first. */
  readonly different: readonly TensorDifference[];
  /** Tensors with the same numbers in two dtypes. */
  readonly retyped: readonly Pick<TensorDifference, 'name' | 'dtypes'>[];
  /** Tensors that are the same, bit for bit or but for the sign of zero. */
  readonly equal: number;
}

export interface DifferenceOptions extends WeightSourceOptions {
  readonly choice?: WeightChoice;
  readonly onProgress?: ProgressListener;
}

export async function weightDifference(
  first: string,
  second: string,
  { choice = 'auto', onProgress = () => {}, ...options }: DifferenceOptions = {},
): Promise<WeightDifference> {
  const a = await openWeightFile(first, options);
  const b = await openWeightFile(second, options).catch(async (error: unknown) => {
    await a.close();
    throw error;
  });
  try {
    for (const file of [a, b]) await file.verify();
    const [left, right] = [a.weights(choice), b.weights(choice)];
    const total = [...left.values()].reduce((sum, tensor) => sum + fileTensorBytes(tensor), 0);
    const misshaped: { name: string; shapes: (readonly number[])[] }[] = [];
    const different: TensorDifference[] = [];
    const retyped: Pick<TensorDifference, 'name' | 'dtypes'>[] = [];
    let [equal, done] = [0, 0];
    for (const [name, x] of left) {
      done += fileTensorBytes(x);
      const y = right.get(name);
      if (y === undefined) continue;
      if (!sameShape(x.shape, y.shape)) misshaped.push({ name, shapes: [x.shape, y.shape] });
      else {
        const difference = await tensorDifference(name, x, y);
        if (difference.maxAbs > 0) different.push(difference);
        else if (x.dtype !== y.dtype) retyped.push({ name, dtypes: difference.dtypes });
        else equal++;
      }
      onProgress(done, total);
    }
    different.sort((p, q) => q.maxRelative - p.maxRelative);
    return {
      onlyInFirst: [...left.keys()].filter((name) => !right.has(name)),
      onlyInSecond: [...right.keys()].filter((name) => !left.has(name)),
      misshaped,
      different,
      retyped,
      equal,
    };
  } finally {
    await a.close();
    await b.close();
  }
}

async function tensorDifference(name: string, x: StoredTensor, y: StoredTensor): Promise<TensorDifference> {
  const [left, right] = [await x.read(), await y.read()];
  const [readX, readY] = [elementReader(x.dtype, left), elementReader(y.dtype, right)];
  const count = left.length / fileByteSize(x.dtype);
  let [maxAbs, sum, magnitude] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const [p, q] = [readX(i), readY(i)];
    if (Number.isFinite(p)) magnitude = Math.max(magnitude, Math.abs(p));
    if (Object.is(p, q)) continue;
    const distance = Math.abs(p - q);
    const gap = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
    if (gap > maxAbs) maxAbs = gap;
    sum += gap;
  }
  return {
    name,
    dtypes: [x.dtype, y.dtype],
    shape: x.shape,
    maxAbs,
    maxRelative: maxAbs === 0 ? 0 : maxAbs / magnitude,
    meanAbs: sum / Math.max(1, count),
  };
}
