/**
 * The arrays of a batch. They come from memory that earlier batches have given back, where it fits: a new megabyte a step is garbage a step later, and
 * V8 answers outside memory that grows with whole collections, 15 ms of processor time every eight batches of 32 pictures.
 */

import { arrayFromBytes, byteSize, type DType, type HostArray, hostArray } from '@omma/core';
import type { Batch } from './types.ts';

export class BatchArrays {
  readonly #memory: ArrayBuffer[];

  /** `memory` is nobody else's any more. */
  constructor(memory: readonly ArrayBuffer[] = []) {
    this.#memory = [...memory];
  }

  /** `size` zeros. */
  take(dtype: DType, size: number): HostArray {
    const at = this.#memory.findIndex(({ byteLength }) => byteLength === size * byteSize(dtype));
    const [buffer] = at < 0 ? [] : this.#memory.splice(at, 1);
    return buffer === undefined
      ? hostArray(dtype, size)
      : arrayFromBytes(dtype, new Uint8Array(buffer).fill(0));
  }
}

/** The memory of a batch, each buffer once. What other threads share is not the batch's own. */
export function memoryOf({ inputs }: Batch): ArrayBuffer[] {
  const buffers = Object.values(inputs).map(({ data }) => data.buffer);
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}
