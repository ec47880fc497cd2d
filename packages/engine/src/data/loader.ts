/**
 * The data loader: decodes the next batches while the device computes.
 *
 * Decoding happens in the data set (in sharp's threads, for pictures); here promises are kept in flight, never more batches than
 * `prefetch`, and finished samples are copied into one array a batch. An epoch starts to decode as soon as it is asked for.
 */

import { type HostTensor, hostArray, hostTensor, OmmaError, sameShape, sizeOf } from '@omma/core';
import { sampleOrder } from './sampler.ts';
import type {
  Batch,
  CorruptPolicy,
  DataLoader,
  Dataset,
  Sample,
  SampleContext,
  SkippedSample,
} from './types.ts';

export interface BatchLoaderOptions {
  readonly batchSize: number;
  /** Training: shuffled unless told otherwise, whole batches only, a corrupt sample replaced by its neighbour. */
  readonly training: boolean;
  readonly shuffle?: boolean;
  readonly seed: number;
  /** Batches in flight; 3 unless given. */
  readonly prefetch?: number;
  readonly onCorrupt?: CorruptPolicy;
  /** The part of every step's samples that this rank loads; all of them unless given. */
  readonly shard?: Shard;
}

/**
 * A rank's share of the data. Step k takes the next `size` batches of the epoch's order, and rank r the r-th of them: all ranks together see what one
 * process with `size` times the batch size would see, in the same steps.
 */
export interface Shard {
  readonly rank: number;
  readonly size: number;
}

/** How many neighbours are tried in place of a corrupt sample. */
const maxReplacements = 100;

export class BatchLoader implements DataLoader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  readonly #options: BatchLoaderOptions;
  readonly #shard: Shard;

  constructor(dataset: Dataset, options: BatchLoaderOptions) {
    if (dataset.length === 0) throw new OmmaError('data loader: the data set has no samples; check its path');
    this.dataset = dataset;
    this.batchSize = options.batchSize;
    this.#options = options;
    this.#shard = options.shard ?? { rank: 0, size: 1 };
  }

  get batchesPerEpoch(): number {
    const whole = this.dataset.length / this.samplesPerStep;
    return this.#options.training ? Math.max(1, Math.floor(whole)) : Math.ceil(whole);
  }

  get samplesPerStep(): number {
    return this.batchSize * this.#shard.size;
  }

  get samplesPerEpoch(): number {
    return this.#options.training ? this.batchesPerEpoch * this.samplesPerStep : this.dataset.length;
  }

  epoch(epoch: number, from = 0): AsyncIterable<Batch> {
    const { training, shuffle = training, seed, prefetch = 3 } = this.#options;
    const order = sampleOrder(this.dataset.length, shuffle, seed, epoch);
    const context: SampleContext = { seed, epoch, training };
    const inFlight: Promise<Batch>[] = [];
    let next = from;
    const refill = () => {
      while (inFlight.length < prefetch && next < this.batchesPerEpoch) {
        const batch = this.#batch(order, next++, context);
        // A failure is reported when the batch is asked for, not while nobody listens.
        batch.catch(() => undefined);
        inFlight.push(batch);
      }
    };
    refill();
    return (async function* () {
      for (let batch = inFlight.shift(); batch !== undefined; batch = inFlight.shift()) {
        const ready = await batch;
        refill();
        yield ready;
      }
    })();
  }

  async #batch(order: Int32Array, number: number, context: SampleContext): Promise<Batch> {
    const start = (number * this.#shard.size + this.#shard.rank) * this.batchSize;
    const left = this.#options.training ? this.batchSize : Math.min(this.batchSize, order.length - start);
    // The last step of an evaluation may have nothing for this rank, which still takes part in it: with a sample that does not count.
    const available = Math.max(1, left);
    const indices = Array.from({ length: available }, (_, i) => order[(start + i) % order.length] ?? 0);
    const skipped: SkippedSample[] = [];
    const loaded = await Promise.all(indices.map((index) => this.#load(index, context, skipped)));
    const usable = loaded.filter((sample) => sample !== null);
    const first = usable[0];
    if (first === undefined) {
      throw new OmmaError(
        `data loader: none of ${indices.length} samples can be read; the first: ${skipped[0]?.name}: ${skipped[0]?.reason}`,
      );
    }
    const rows = Array.from({ length: this.batchSize }, (_, i) => usable[i] ?? first);
    return {
      inputs: this.#stack(rows),
      count: left <= 0 ? 0 : usable.length,
      indices: rows.map(({ index }) => index),
      skipped,
    };
  }

  /** A sample, or in its place one of the next ones (training) or null (evaluation) when it is corrupt and may be skipped. */
  async #load(index: number, context: SampleContext, skipped: SkippedSample[]): Promise<Loaded | null> {
    const tries = context.training ? maxReplacements : 1;
    for (let offset = 0; offset < tries; offset++) {
      const candidate = (index + offset) % this.dataset.length;
      try {
        return { index: candidate, sample: await this.dataset.load(candidate, context) };
      } catch (error) {
        if (!(error instanceof OmmaError)) throw error;
        if (this.#options.onCorrupt === 'stop') throw error;
        skipped.push({ name: this.dataset.nameOf(candidate), reason: error.message });
      }
    }
    return null;
  }

  #stack(rows: readonly Loaded[]): Record<string, HostTensor> {
    const names = Object.keys(rows[0]?.sample.tensors ?? {});
    return Object.fromEntries(names.map((name) => [name, this.#stackOne(name, rows)]));
  }

  #stackOne(name: string, rows: readonly Loaded[]): HostTensor {
    const template = rows[0]?.sample.tensors[name];
    if (template === undefined) throw new Error(`data loader: no ${name}`);
    const size = sizeOf(template.shape);
    const data = hostArray(template.dtype, size * rows.length);
    rows.forEach(({ index, sample }, row) => {
      const tensor = sample.tensors[name];
      if (
        tensor === undefined ||
        tensor.dtype !== template.dtype ||
        !sameShape(tensor.shape, template.shape)
      ) {
        throw new OmmaError(
          `data loader: ${this.dataset.nameOf(index)} gives ${name} as ${tensor?.dtype} [${tensor?.shape.join(', ')}] but the batch has ${template.dtype} [${template.shape.join(', ')}]; resize or crop in the pipeline`,
        );
      }
      data.set(tensor.data, row * size);
    });
    return hostTensor([rows.length, ...template.shape], template.dtype, data);
  }
}

interface Loaded {
  readonly index: number;
  readonly sample: Sample;
}
