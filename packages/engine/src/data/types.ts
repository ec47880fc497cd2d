/**
 * What flows from files to the device: samples, batches, and who makes them.
 *
 * The engine knows these interfaces and nothing of pixels; data sets live above or beside it (`@omma/cv`, the tasks) and satisfy
 * them structurally. Everything is typed arrays: a batch is what the compiled step takes as its inputs.
 */

import type { DType, HostArray, HostTensor, Shape } from '@omma/core';

/** Where a sample is asked for. Augmentation draws its random numbers from these alone, so that order and number of workers do not matter. */
export interface SampleContext {
  /** Seed of the run. */
  readonly seed: number;
  /** Zero-based epoch. */
  readonly epoch: number;
  /** True for the training loader: augment. */
  readonly training: boolean;
  /** Which time the sample comes in this epoch, where it comes several times; 0 unless given. Each is augmented differently. */
  readonly repeat?: number;
  /**
   * A zero-filled array for a tensor of the sample, at its place in the batch: a data set that writes its result there saves a copy. Any
   * other array is copied.
   */
  readonly allocate?: (name: string, dtype: DType, shape: Shape) => HostArray;
}

/** One example. Every sample of a data set has the same names, shapes and dtypes. */
export interface Sample {
  /** By the model's input names. Images: `image`, uint8 [H, W, C], RGB or grey, as decoders give them; labels: `label`, int32 []. */
  readonly tensors: Readonly<Record<string, HostTensor>>;
}

export interface Dataset {
  readonly length: number;
  /** Class names in label order; empty when the task has none. */
  readonly classes: readonly string[];
  /**
   * Decodes and transforms one sample. An OmmaError means that this sample is unusable (corrupt, truncated); the loader's
   * `onCorrupt` policy decides then. A StoreError (the server of the data cannot be reached) and any other exception stop the run.
   */
  load(index: number, context: SampleContext): Promise<Sample>;
  /** Name of a sample for messages: its file. */
  nameOf(index: number): string;
  /** The class of a sample, where it is known without decoding: then it is checked before training. */
  labelOf?(index: number): number | undefined;
  /** Width / height of a sample's picture, where it is known without decoding. */
  aspectRatioOf?(index: number): number | undefined;
  /** What is wrong with a sample's file at first sight (`is missing`), without decoding it; null if nothing is. */
  problemOf?(index: number): string | null;
  /** How a worker thread opens the same data set; one that does not say, or says null, is loaded on the main thread. */
  source?(): DatasetSource | null;
}

/**
 * A data set as it travels to a worker thread: `module` (a URL) exports the function `name`, which makes the data set, or a promise of it, of
 * `options`. Options are copied by structured clone; what lies in SharedArrayBuffers is shared.
 */
export interface DatasetSource {
  readonly module: string;
  readonly name: string;
  readonly options: unknown;
  /** Modules (URLs) that are imported first, for what they register. */
  readonly imports?: readonly string[];
}

export interface SkippedSample {
  readonly name: string;
  readonly reason: string;
}

/** Stacked samples, ready for the device. */
export interface Batch {
  /** Each with the batch axis in front: `image` uint8 [N, H, W, C], `label` int32 [N]. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** Samples that count. In evaluation the last batch is filled up by repeating, because shapes are static. */
  readonly count: number;
  /** Data set index of each of the N samples. */
  readonly indices: readonly number[];
  /** What was left out on the way to this batch. */
  readonly skipped: readonly SkippedSample[];
}

/** 'skip': leave a corrupt sample out, count it, go on. 'stop': end the run with its name. */
export type CorruptPolicy = 'skip' | 'stop';

export interface DataLoader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  readonly batchesPerEpoch: number;
  /** Samples of one step on all ranks together; the batch size where there is one rank. */
  readonly samplesPerStep: number;
  /** Samples that one epoch delivers, on all ranks together. */
  readonly samplesPerEpoch: number;
  /**
   * The batches of an epoch in order, from batch `from` on: decoded ahead, no further than the prefetch limit. The iterator's `return` ends the
   * decoding, whether a batch was taken or not.
   */
  epoch(epoch: number, from?: number): AsyncIterable<Batch>;
  /**
   * Takes the memory of a batch back for batches to come. Nobody may look at its arrays after that: they are written again, or empty. A batch that is
   * never given back is its reader's for good.
   */
  recycle?(batch: Batch): void;
  /** Ends its worker threads. */
  dispose?(): Promise<void>;
}

/** Collects evaluation outputs and says what they are worth. One instance serves one evaluation at a time. */
export interface Metric {
  /** The batch's inputs that `update` reads, by name or by a test; all of them unless given. In a distributed run only these travel between ranks. */
  readonly inputs?: readonly string[] | ((name: string, tensor: HostTensor) => boolean);
  /** Called before the first batch. */
  reset(): void;
  /** `outputs` are the model's predictions for the batch; only the first `batch.count` rows count. */
  update(outputs: Readonly<Record<string, HostTensor>>, batch: Batch): void;
  /** Numbers for the log and for `saveBest`, by name: `accuracy/top1`. */
  compute(): Readonly<Record<string, number>>;
  /** Anything more that a report wants: a confusion matrix. */
  details?(): Readonly<Record<string, unknown>>;
  /** Called after an evaluation on the one process that writes files. */
  save?(): Promise<void>;
}
