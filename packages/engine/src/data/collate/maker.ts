/** Makes one batch by a collate: gives it arrays, and holds what it makes against what the loader and the device need. */

import { type DType, type HostTensor, hostTensor, OmmaError, type Shape, sizeOf } from '@omma/core';
import type { BatchArrays } from '../batchArrays.ts';
import type { Sample, SampleContext } from '../types.ts';
import type { NamedCollate } from './build.ts';
import type { Collate, CollateContext } from './collate.ts';
import { BatchRows } from './stack.ts';

export class BatchMaker {
  readonly #name: string;
  readonly #collate: Collate;
  readonly #arrays: BatchArrays;
  readonly #rows: BatchRows;
  /** The memory of the tensors that it gave. */
  readonly #given = new Set<ArrayBufferLike>();

  constructor({ name, collate }: NamedCollate, batchSize: number, arrays: BatchArrays) {
    this.#name = name;
    this.#collate = collate;
    this.#arrays = arrays;
    this.#rows = new BatchRows(batchSize, (dtype, shape) => this.#tensor(dtype, shape));
  }

  /** Where the sample of a row is written while it is loaded, if that is known by then. */
  placeOf(row: number): Pick<SampleContext, 'allocate'> {
    return this.#collate.inPlace === true ? { allocate: this.#rows.allocator(row) } : {};
  }

  /** The batch of all rows. */
  make(
    samples: readonly Sample[],
    context: Pick<CollateContext, 'training' | 'random' | 'nameOf'>,
  ): Record<string, HostTensor> {
    const made = this.#collated(samples, {
      ...context,
      tensor: (dtype, shape) => this.#tensor(dtype, shape),
      stack: (some, names = Object.keys(some[0]?.tensors ?? {})) =>
        this.#rows.stack(some, names, context.nameOf),
    });
    return Object.fromEntries(
      Object.entries(made).map(([name, tensor]) => [name, this.#checked(name, tensor, samples.length)]),
    );
  }

  /** What the collate makes. Its defects are told with the batch that showed them. */
  #collated(samples: readonly Sample[], context: CollateContext): Readonly<Record<string, HostTensor>> {
    try {
      return this.#collate.collate(samples, context);
    } catch (error) {
      if (error instanceof OmmaError) throw error;
      const [first] = samples;
      const where = first === undefined ? '' : ` with the batch that begins with ${context.nameOf(first)}`;
      throw new Error(`data loader: ${this.#name} failed${where}: ${String(error)}`, { cause: error });
    }
  }

  #tensor(dtype: DType, shape: Shape): HostTensor {
    const data = this.#arrays.take(dtype, sizeOf(shape));
    this.#given.add(data.buffer);
    return hostTensor(shape, dtype, data);
  }

  #checked(name: string, tensor: HostTensor, rows: number): HostTensor {
    const { dtype, shape, data } = tensor;
    if (shape[0] !== rows) {
      throw new OmmaError(
        `data loader: ${this.#name} gives ${name} as ${dtype} [${shape.join(', ')}], but a batch of ${rows} samples has ${rows} rows: make the first axis ${rows} long`,
      );
    }
    // A batch changes its owner. What may be somebody else's, a constant of the collate or a sample that a data set keeps, is copied.
    if (this.#given.has(data.buffer)) return tensor;
    const own = this.#tensor(dtype, shape);
    own.data.set(data);
    return own;
  }
}
