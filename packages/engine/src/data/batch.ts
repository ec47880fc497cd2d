/**
 * One batch from a data set: loads its samples side by side, each into its row of one array a tensor, and puts something in the place of
 * what cannot be read. Runs on the main thread or in a worker thread; nothing here knows which.
 */

import { OmmaError, StoreError } from '@omma/core';
import { BatchArrays } from './batchArrays.ts';
import type { NamedCollate } from './collate/build.ts';
import { BatchMaker } from './collate/maker.ts';
import { randomNumbers } from './random.ts';
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
  /** Memory for its arrays, of a batch that was given back. Handed over: a request is loaded once. */
  readonly memory?: readonly ArrayBuffer[];
}

/** How many neighbours are tried in place of a corrupt sample. */
const maxReplacements = 100;

interface Loaded {
  readonly index: number;
  readonly sample: Sample;
}

/**
 * Loads the samples of a request and puts them together. Throws an OmmaError when none can be read, or one cannot and `onCorrupt` is 'stop'; a StoreError of
 * the data set as it is.
 */
export async function loadBatch(
  dataset: Dataset,
  request: BatchRequest,
  collate: NamedCollate,
): Promise<Batch> {
  const { indices, repeats = [], batchSize, counts, context, onCorrupt, memory } = request;
  const maker = new BatchMaker(collate, batchSize, new BatchArrays(memory));
  const skipped: SkippedSample[] = [];
  const loaded = await Promise.all(
    indices.map((index, row) =>
      loadUsable(
        dataset,
        index,
        { ...context, repeat: repeats[row] ?? 0, ...maker.placeOf(row) },
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
  const { seed, epoch, training } = context;
  return {
    inputs: maker.make(
      filled.map(({ sample }) => sample),
      {
        training,
        random: randomNumbers(seed, `collate/${epoch}/${indices[0]}/${repeats[0] ?? 0}`),
        nameOf: (sample) =>
          dataset.nameOf(filled.find((each) => each.sample === sample)?.index ?? first.index),
      },
    ),
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
      if (skipped === null || error instanceof StoreError) throw error;
      skipped.push({ name, reason: error.message });
    }
  }
  return null;
}
