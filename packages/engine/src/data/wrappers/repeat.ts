/** The same data set several times an epoch, so that short epochs need not be counted (MMEngine's `RepeatDataset`). */

import { openSource } from '../source.ts';
import type { Dataset, DatasetSource, Sample, SampleContext } from '../types.ts';
import { loadRepeated } from './mapped.ts';

export class RepeatDataset implements Dataset {
  readonly #dataset: Dataset;
  readonly #times: number;

  constructor(dataset: Dataset, times: number) {
    this.#dataset = dataset;
    this.#times = times;
  }

  get length(): number {
    return this.#dataset.length * this.#times;
  }

  get classes(): readonly string[] {
    return this.#dataset.classes;
  }

  load(index: number, context: SampleContext): Promise<Sample> {
    const { length } = this.#dataset;
    return loadRepeated(this.#dataset, index % length, Math.floor(index / length), context);
  }

  nameOf(index: number): string {
    return this.#dataset.nameOf(index % this.#dataset.length);
  }

  labelOf(index: number): number | undefined {
    return this.#dataset.labelOf?.(index % this.#dataset.length);
  }

  aspectRatioOf(index: number): number | undefined {
    return this.#dataset.aspectRatioOf?.(index % this.#dataset.length);
  }

  problemOf(index: number): string | null {
    return this.#dataset.problemOf?.(index % this.#dataset.length) ?? null;
  }

  source(): DatasetSource | null {
    const source = this.#dataset.source?.() ?? null;
    if (source === null) return null;
    return { module: threadModule, name: 'openRepeat', options: { source, times: this.#times } };
  }
}

const threadModule = new URL('../../../dist/data/wrappers/repeat.js', import.meta.url).href;

/** How a worker thread opens one: see `RepeatDataset.source`. */
export async function openRepeat(options: {
  readonly source: DatasetSource;
  readonly times: number;
}): Promise<RepeatDataset> {
  return new RepeatDataset(await openSource(options.source), options.times);
}
