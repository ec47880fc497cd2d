/**
 * One batch from a data set: loads its samples side by side, each into its row of one array a tensor, and puts something in the place of
 * what cannot be read. Runs on the main thread or in a worker thread; nothing here knows which.
 */

import {
  type DType,
  type HostArray,
  type HostTensor,
  hostTensor,
  OmmaError,
  type Shape,
  sameShape,
  sizeOf,
} from '@omma/core';
import { BatchArrays } from './batchArrays.ts';
import { type CollateConfig, padCollate } from './collate.ts';
import type { Batch, CorruptPolicy, Dataset, Sample, SampleContext, SkippedSample } from './types.ts';

/** What a batch is made of: plain data, so that it travels to a thread. */
export interface BatchRequest {
  /** The samples of this rank, at least one. */
  readonly indices: readonly number[];
  /** For each, which time it comes in this epoch; never before unless given. */
  readonly repeats?: readonly number[];
  /** Rows; those beyond `indices` are filled up by repeating. */
  readonly batchSize: number;
  /** False for the batch of a rank that has run out of samples and only keeps the others company. */
  readonly counts: boolean;
  readonly context: SampleContext;
  readonly onCorrupt: CorruptPolicy;
  readonly collate?: CollateConfig;
  /** Memory for its arrays, of a batch that was given back. Handed over: a request is loaded once. */
  readonly memory?: readonly ArrayBuffer[];
}

/** How many neighbours are tried in place of a corrupt sample. */
const maxReplacements = 100;

interface Loaded {
  readonly index: number;
  readonly sample: Sample;
}

/** Loads and stacks the samples of a request. Throws an OmmaError when none can be read, or one cannot and `onCorrupt` is 'stop'. */
export async function loadBatch(dataset: Dataset, request: BatchRequest): Promise<Batch> {
  const { indices, repeats = [], batchSize, counts, context, onCorrupt, collate, memory } = request;
  const arrays = new BatchArrays(memory);
  const rows = new BatchRows(batchSize, arrays);
  const skipped: SkippedSample[] = [];
  const loaded = await Promise.all(
    indices.map((index, row) =>
      loadUsable(
        dataset,
        index,
        {
          ...context,
          repeat: repeats[row] ?? 0,
          ...(collate?.type === 'PadCollate' ? {} : { allocate: rows.allocator(row) }),
        },
        onCorrupt === 'stop' ? null : skipped,
      ),
    ),
  );
  const usable = loaded.filter((sample) => sample !== null);
  const first = usable[0];
  if (first === undefined) {
    throw new OmmaError(
      `data loader: none of ${indices.length} samples can be read; the first: ${skipped[0]?.name}: ${skipped[0]?.reason}`,
    );
  }
  const filled = Array.from({ length: batchSize }, (_, i) => usable[i] ?? first);
  return {
    inputs:
      collate?.type === 'PadCollate'
        ? padCollate(
            usable.map(({ sample }) => sample),
            batchSize,
            collate,
            arrays,
            (place) => dataset.nameOf(filled[place]?.index ?? 0),
          )
        : rows.stack(usable, dataset),
    count: counts ? usable.length : 0,
    indices: filled.map(({ index }) => index),
    skipped,
  };
}

/** A sample, or in its place one of the next ones (training) or null (evaluation) when it is corrupt and may be skipped. */
async function loadUsable(
  dataset: Dataset,
  index: number,
  context: SampleContext,
  skipped: SkippedSample[] | null,
): Promise<Loaded | null> {
  const tries = context.training ? maxReplacements : 1;
  for (let offset = 0; offset < tries; offset++) {
    const candidate = (index + offset) % dataset.length;
    try {
      return { index: candidate, sample: await dataset.load(candidate, context) };
    } catch (error) {
      const name = dataset.nameOf(candidate);
      if (!(error instanceof OmmaError)) {
        throw new Error(`data loader: ${name} failed: ${String(error)}`, { cause: error });
      }
      if (skipped === null) throw error;
      skipped.push({ name, reason: error.message });
    }
  }
  return null;
}

/** The arrays of a batch, made when the first sample says what it has, and their rows. */
class BatchRows {
  readonly #count: number;
  readonly #arrays: BatchArrays;
  readonly #tensors = new Map<string, HostTensor>();

  constructor(count: number, arrays: BatchArrays) {
    this.#count = count;
    this.#arrays = arrays;
  }

  /** What `SampleContext.allocate` is for the sample of this row. */
  allocator(row: number): (name: string, dtype: DType, shape: Shape) => HostArray {
    return (name, dtype, shape) => {
      const size = sizeOf(shape);
      const whole = this.#tensors.get(name) ?? this.#add(name, dtype, shape);
      // A sample of another type is refused by `stack`, with its name.
      return this.#fits(whole, dtype, shape)
        ? whole.data.subarray(row * size, (row + 1) * size)
        : this.#arrays.take(dtype, size);
    };
  }

  /** Every tensor of the samples with the batch axis in front; the rows that are left repeat the first. */
  stack(samples: readonly Loaded[], dataset: Dataset): Record<string, HostTensor> {
    const names = Object.keys(samples[0]?.sample.tensors ?? {});
    return Object.fromEntries(names.map((name) => [name, this.#stackOne(name, samples, dataset)]));
  }

  #stackOne(name: string, samples: readonly Loaded[], dataset: Dataset): HostTensor {
    const first = samples[0]?.sample.tensors[name];
    if (first === undefined) throw new Error(`data loader: no ${name}`);
    const { dtype, shape } = first;
    const known = this.#tensors.get(name);
    const whole =
      known !== undefined && this.#fits(known, dtype, shape) ? known : this.#add(name, dtype, shape);
    const size = sizeOf(shape);
    samples.forEach(({ index, sample }, row) => {
      const tensor = sample.tensors[name];
      if (tensor?.dtype !== dtype || !sameShape(tensor.shape, shape)) {
        throw new OmmaError(
          `data loader: ${dataset.nameOf(index)} gives ${name} as ${tensor?.dtype} [${tensor?.shape.join(', ')}] but the batch has ${dtype} [${shape.join(', ')}]; resize or crop in the pipeline`,
        );
      }
      // What was written in place is where it belongs already, unless a sample before it was left out.
      if (!isRow(tensor.data, whole.data, row * size)) whole.data.set(tensor.data, row * size);
    });
    for (let row = samples.length; row < this.#count; row++) whole.data.copyWithin(row * size, 0, size);
    return whole;
  }

  #fits({ dtype, shape }: HostTensor, wantedType: DType, wantedShape: Shape): boolean {
    return dtype === wantedType && sameShape(shape.slice(1), wantedShape);
  }

  #add(name: string, dtype: DType, shape: Shape): HostTensor {
    const data = this.#arrays.take(dtype, sizeOf(shape) * this.#count);
    const tensor = hostTensor([this.#count, ...shape], dtype, data);
    this.#tensors.set(name, tensor);
    return tensor;
  }
}

function isRow(data: HostArray, whole: HostArray, offset: number): boolean {
  return (
    data.buffer === whole.buffer && data.byteOffset === whole.byteOffset + offset * whole.BYTES_PER_ELEMENT
  );
}
