/**
 * Looks a data set over before hours are spent on it. The quick form asks only what costs next to nothing; the whole one decodes every sample.
 */

import { OmmaError, StoreError } from '@omma/core';
import type { Dataset } from '../types.ts';
import { duplicates } from './annotations.ts';
import type { DataProblem } from './problem.ts';

export interface DatasetCheckOptions {
  /** Leaves out decoding: files are looked for, not read. */
  readonly quick?: boolean;
  /** Told after every sample. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface DatasetReport {
  readonly samples: number;
  /** Samples of each class, in label order; none where labels are not known without decoding. */
  readonly classes: readonly { readonly name: string; readonly samples: number }[];
  readonly problems: readonly DataProblem[];
}

/** Samples that are decoded at the same time. */
const atOnce = 8;

/** Missing files, unknown and empty classes, duplicates and, unless `quick`, samples that cannot be read. */
export async function checkDataset(
  dataset: Dataset,
  options: DatasetCheckOptions = {},
): Promise<DatasetReport> {
  const { counts, problems: labels } = checkLabels(dataset);
  const problems: DataProblem[] = [...listedTwice(dataset), ...labels];
  let next = 0;
  let done = 0;
  const found = new Map<number, DataProblem>();
  const work = async () => {
    while (next < dataset.length && options.signal?.aborted !== true) {
      const index = next++;
      const problem = await checkSample(dataset, index, options.quick ?? false);
      if (problem !== null) found.set(index, problem);
      options.onProgress?.(++done, dataset.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  problems.push(...[...found].toSorted(([a], [b]) => a - b).map(([, problem]) => problem));
  const classes =
    counts === null ? [] : dataset.classes.map((name, label) => ({ name, samples: counts[label] ?? 0 }));
  return { samples: dataset.length, classes, problems };
}

async function checkSample(dataset: Dataset, index: number, quick: boolean): Promise<DataProblem | null> {
  const name = dataset.nameOf(index);
  const missing = dataset.problemOf?.(index) ?? null;
  if (missing !== null) return { kind: 'missing', name, message: missing };
  if (quick) return null;
  try {
    await dataset.load(index, { seed: 0, epoch: 0, training: false });
    return null;
  } catch (error) {
    if (!(error instanceof OmmaError) || error instanceof StoreError) throw error;
    return { kind: 'unreadable', name, message: error.message };
  }
}

function checkLabels(dataset: Dataset): { counts: number[] | null; problems: DataProblem[] } {
  if (dataset.labelOf === undefined || dataset.classes.length === 0) return { counts: null, problems: [] };
  const counts = dataset.classes.map(() => 0);
  const problems: DataProblem[] = [];
  for (let index = 0; index < dataset.length; index++) {
    const label = dataset.labelOf(index);
    if (label === undefined) return { counts: null, problems: [] };
    const before = counts[label];
    if (before !== undefined) counts[label] = before + 1;
    else {
      problems.push({
        kind: 'unknownClass',
        name: dataset.nameOf(index),
        message: `has label ${label}, but there are ${counts.length} classes (0 to ${counts.length - 1})`,
      });
    }
  }
  const empty = dataset.classes.filter((_, label) => counts[label] === 0);
  problems.push(
    ...empty.map((name): DataProblem => ({ kind: 'emptyClass', name, message: 'has no samples' })),
  );
  return { counts, problems };
}

/** Samples that come more than once; where they have different labels, with these, since one must be wrong. */
function listedTwice(dataset: Dataset): DataProblem[] {
  const twice = duplicates(namesOf(dataset));
  const labels = new Map(twice.map(({ name }) => [name, new Set<number>()]));
  if (twice.length > 0)
    for (let index = 0; index < dataset.length; index++) {
      const label = dataset.labelOf?.(index);
      if (label !== undefined) labels.get(dataset.nameOf(index))?.add(label);
    }
  return twice.map((problem) => {
    const own = [...(labels.get(problem.name) ?? [])].map((label) => dataset.classes[label] ?? String(label));
    if (own.length < 2) return problem;
    return { ...problem, message: `${problem.message}, with different labels: ${own.join(', ')}` };
  });
}

function* namesOf(dataset: Dataset): Generator<string> {
  for (let index = 0; index < dataset.length; index++) yield dataset.nameOf(index);
}

/** Samples that `quickWarning` looks at. */
const looks = 256;

/** The check at the start of a run, in milliseconds: some files are looked for. A line that says what is wrong, or null. */
export function quickWarning(dataset: Dataset): string | null {
  const count = Math.min(looks, dataset.length);
  const indices = Array.from({ length: count }, (_, i) => Math.floor((i * dataset.length) / count));
  const problems = indices.flatMap((index) => {
    const problem = dataset.problemOf?.(index) ?? null;
    return problem === null ? [] : [`${dataset.nameOf(index)} ${problem}`];
  });
  return problems.length === 0
    ? null
    : `${problems.length} of ${count} files that were looked for: ${problems[0]}; \`omma data check CONFIG\` lists them all`;
}
