/**
 * The data loader: the next batches are decoded while the device computes.
 *
 * It decides which samples make which batch and keeps batches in flight, never more than `prefetch`. The batches themselves are made by
 * `loadBatch`, in worker threads or on this one; which of the two, and how many threads, changes no number, because everything random
 * depends on seed, epoch and sample alone. An epoch starts to decode as soon as it is asked for.
 */

import { availableParallelism } from 'node:os';
import { OmmaError } from '@omma/core';
import { type BatchRequest, loadBatch } from './batch.ts';
import { memoryOf } from './batchArrays.ts';
import { largeBatch, requireMemory } from './batchMemory.ts';
import { buildCollate, type NamedCollate } from './collate/build.ts';
import { type CollateConfig, modulesOfCollate } from './collate/collate.ts';
import { groupByAspectRatio } from './samplers/aspectRatio.ts';
import { DefaultSampler } from './samplers/basic.ts';
import { type SampleOrder, type Sampler, type SamplerConfig, samplers } from './samplers/sampler.ts';
import type { Batch, CorruptPolicy, DataLoader, Dataset, DatasetSource } from './types.ts';
import type { BatchSource } from './workers/messages.ts';
import { WorkerPool } from './workers/pool.ts';

export interface BatchLoaderOptions {
  readonly batchSize: number;
  /** Training: shuffled unless told otherwise, whole batches only, a corrupt sample replaced by its neighbour. */
  readonly training: boolean;
  readonly shuffle?: boolean;
  /** In training; DefaultSampler unless given. */
  readonly sampler?: SamplerConfig;
  readonly batchSampler?: { readonly type: 'AspectRatioBatchSampler' };
  readonly collate?: CollateConfig;
  /** In training; true unless given. */
  readonly dropLast?: boolean;
  readonly numBatchPerEpoch?: number;
  readonly seed: number;
  /** Threads that load batches; 0, the default, loads on this one. A data set without `source` is loaded on this one in any case. */
  readonly numWorkers?: number;
  /** Keeps the threads from one epoch to the next; true unless given. */
  readonly persistentWorkers?: boolean;
  /** Batches in flight; 3 unless given, with worker threads two more than these. */
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

/** Worker threads unless a config says otherwise: half of the cores, because the device computes on the same ones; at most four. */
export function defaultWorkers(): number {
  return Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)));
}

export class BatchLoader implements DataLoader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  readonly #options: BatchLoaderOptions;
  readonly #shard: Shard;
  readonly #sampler: Sampler;
  readonly #collate: NamedCollate;
  readonly #source: DatasetSource | null;
  /** The threads and the data set's number among theirs; null while there are none. */
  #workers: { readonly pool: WorkerPool; readonly dataset: number } | null = null;
  /** Memory of batches that were given back, for those to come. */
  #spare: (readonly ArrayBuffer[])[] = [];

  constructor(dataset: Dataset, options: BatchLoaderOptions) {
    if (dataset.length === 0) throw new OmmaError('data loader: the data set has no samples; check its path');
    this.dataset = dataset;
    this.batchSize = options.batchSize;
    this.#options = options;
    this.#shard = options.shard ?? { rank: 0, size: 1 };
    const { training, shuffle = training, sampler } = options;
    this.#sampler =
      training && sampler !== undefined ? samplers.build(sampler) : new DefaultSampler({ shuffle });
    this.#collate = buildCollate(options.collate);
    this.#source = dataset.source?.() ?? null;
    this.#requireWholeBatch();
  }

  /** Training on whole batches only needs one. */
  #requireWholeBatch(): void {
    const { training, dropLast = training, numBatchPerEpoch } = this.#options;
    const samples = this.#sampler.count(this.dataset);
    if (!training || !dropLast || numBatchPerEpoch !== undefined || samples >= this.samplesPerStep) return;
    const { size } = this.#shard;
    const ranks = size > 1 ? ` on each of ${size} ranks` : '';
    throw new OmmaError(
      `data loader: batchSize ${this.batchSize}${ranks} is more than the ${samples} samples of an epoch, so no batch is whole; make it at most ${Math.floor(samples / size)}, or set dropLast: false`,
    );
  }

  get batchesPerEpoch(): number {
    const { training, dropLast = training, numBatchPerEpoch } = this.#options;
    if (training && numBatchPerEpoch !== undefined) return numBatchPerEpoch;
    const whole = this.#sampler.count(this.dataset) / this.samplesPerStep;
    const batches = dropLast ? Math.max(1, Math.floor(whole)) : Math.ceil(whole);
    return Math.min(batches, numBatchPerEpoch ?? batches);
  }

  get samplesPerStep(): number {
    return this.batchSize * this.#shard.size;
  }

  get samplesPerEpoch(): number {
    const samples = this.batchesPerEpoch * this.samplesPerStep;
    return this.#options.training ? samples : Math.min(samples, this.dataset.length);
  }

  /** Threads that load; 0 where this one does. */
  get numWorkers(): number {
    return this.#source === null ? 0 : (this.#options.numWorkers ?? 0);
  }

  /** Batches in flight, and batches' memory kept for later. */
  get #limit(): number {
    return this.#options.prefetch ?? (this.numWorkers === 0 ? 3 : this.numWorkers + 2);
  }

  recycle(batch: Batch): void {
    if (this.#spare.length < this.#limit) this.#spare.push(memoryOf(batch));
  }

  epoch(epoch: number, from = 0): AsyncIterableIterator<Batch> {
    const { persistentWorkers = true, seed, training } = this.#options;
    const fits =
      this.batchSize > largeBatch
        ? requireMemory(this.dataset, this.batchSize, { seed, epoch, training })
        : null;
    // Heard by the batches that wait for it; there may be none.
    fits?.catch(() => undefined);
    // The order of a batch that does not fit would not fit either.
    let order: SampleOrder | null = null;
    const begin = (number: number) => {
      order ??= this.#order(epoch);
      const request = this.#request(order, number, epoch);
      const memory = this.#spare.pop();
      return load(memory === undefined ? request : { ...request, memory });
    };
    const group = {};
    const load = this.#load(group);
    const inFlight: Promise<Batch>[] = [];
    let next = from;
    const refill = () => {
      while (inFlight.length < this.#limit && next < this.batchesPerEpoch) {
        const number = next++;
        const batch = fits === null ? begin(number) : fits.then(() => begin(number));
        // A failure is reported when the batch is asked for, not while nobody listens.
        batch.catch(() => undefined);
        inFlight.push(batch);
      }
    };
    // Batches that nobody will ask for any more are not begun.
    const finish = async () => (persistentWorkers ? this.#workers?.pool.cancel(group) : this.dispose());
    refill();
    const batches = (async function* () {
      try {
        for (let batch = inFlight.shift(); batch !== undefined; batch = inFlight.shift()) {
          const ready = await batch;
          refill();
          yield ready;
        }
      } finally {
        await finish();
      }
    })();
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => batches.next(),
      // A generator that was never asked for a batch would end without its finally.
      return: async () => {
        await finish();
        return batches.return();
      },
    };
  }

  /** Ends the worker threads, if no other loader uses them. The loader starts new ones when it is used again. */
  async dispose(): Promise<void> {
    const workers = this.#workers;
    this.#workers = null;
    this.#spare = [];
    workers?.pool.close(workers.dataset);
    await workers?.pool.release();
  }

  /** How a batch is loaded: by the threads, which start here, or by this one. */
  #load(group: object): (request: BatchRequest) => Promise<Batch> {
    const source = this.numWorkers === 0 ? null : this.#source;
    if (source === null) return (request) => loadBatch(this.dataset, request, this.#collate);
    if (this.#workers === null) {
      const pool = WorkerPool.acquire(this.numWorkers);
      this.#workers = { pool, dataset: pool.open(this.#batchSource(source)) };
    }
    const { pool, dataset } = this.#workers;
    return (request) => pool.load(dataset, request, this.dataset.nameOf(request.indices[0] ?? 0), group);
  }

  /** What a thread needs to make the same batches. */
  #batchSource(source: DatasetSource): BatchSource {
    const { collate } = this.#options;
    if (collate === undefined) return { source };
    return {
      source: { ...source, imports: [...(source.imports ?? []), ...modulesOfCollate(collate)] },
      collate,
    };
  }

  /** The samples of an epoch, of all ranks, such that each run of `batchSize` is a batch. */
  #order(epoch: number): SampleOrder {
    const { dataset, batchSize } = this;
    const { seed, training, batchSampler } = this.#options;
    const samples = this.samplesPerEpoch;
    const order = this.#sampler.order({ dataset, seed, epoch, samples });
    return training && batchSampler !== undefined ? groupByAspectRatio(order, dataset, batchSize) : order;
  }

  #request({ indices, repeats }: SampleOrder, number: number, epoch: number): BatchRequest {
    const { training, seed, onCorrupt = 'skip' } = this.#options;
    const start = (number * this.#shard.size + this.#shard.rank) * this.batchSize;
    const left = training ? this.batchSize : Math.min(this.batchSize, indices.length - start);
    // The last step of an evaluation may have nothing for this rank, which still takes part in it: with a sample that does not count.
    const places = Array.from({ length: Math.max(1, left) }, (_, i) => start + i);
    const { length } = indices;
    return {
      indices: places.map((place) => indices[place % length] ?? 0),
      // Beyond the end the order begins again, and its samples are augmented anew.
      repeats: places.map(
        (place) => (repeats?.[place % length] ?? 0) + repeatStride * Math.floor(place / length),
      ),
      batchSize: this.batchSize,
      counts: left > 0,
      context: { seed, epoch, training },
      onCorrupt,
    };
  }
}

/** Keeps the repeats of a second round apart from a sampler's own. */
const repeatStride = 2 ** 16;
