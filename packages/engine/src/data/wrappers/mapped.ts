/**
 * What the wrappers that choose samples of one data set have in common: a list of its indices, with how often each has come before. In shared
 * memory, because worker threads need it too.
 */

import { openSource } from '../source.ts';
import type { Dataset, DatasetSource, Sample, SampleContext } from '../types.ts';

export class MappedDataset implements Dataset {
  readonly #dataset: Dataset;
  readonly #indices: Int32Array;
  readonly #repeats: Uint16Array;

  constructor(dataset: Dataset, indices: readonly number[] | Int32Array) {
    this.#dataset = dataset;
    this.#indices = new Int32Array(new SharedArrayBuffer(4 * indices.length));
    this.#repeats = new Uint16Array(new SharedArrayBuffer(2 * indices.length));
    const seen = new Map<number, number>();
    indices.forEach((index, i) => {
      const before = seen.get(index) ?? 0;
      this.#indices[i] = index;
      this.#repeats[i] = before;
      seen.set(index, before + 1);
    });
  }

  get length(): number {
    return this.#indices.length;
  }

  get classes(): readonly string[] {
    return this.#dataset.classes;
  }

  load(index: number, context: SampleContext): Promise<Sample> {
    return loadRepeated(this.#dataset, this.#at(index), this.#repeats[index] ?? 0, context);
  }

  nameOf(index: number): string {
    return this.#dataset.nameOf(this.#at(index));
  }

  labelOf(index: number): number | undefined {
    return this.#dataset.labelOf?.(this.#at(index));
  }

  aspectRatioOf(index: number): number | undefined {
    return this.#dataset.aspectRatioOf?.(this.#at(index));
  }

  problemOf(index: number): string | null {
    return this.#dataset.problemOf?.(this.#at(index)) ?? null;
  }

  source(): DatasetSource | null {
    const source = this.#dataset.source?.() ?? null;
    if (source === null) return null;
    return { module: threadModule, name: 'openMapped', options: { source, indices: this.#indices } };
  }

  #at(index: number): number {
    const found = this.#indices[index];
    if (found === undefined) throw new Error(`no sample ${index} among ${this.length}`);
    return found;
  }
}

/** Loads a sample that has come `before` times already in this epoch: it is augmented anew. */
export function loadRepeated(
  dataset: Dataset,
  index: number,
  before: number,
  context: SampleContext,
): Promise<Sample> {
  // Repeats within repeats stay apart as long as the outer ones are fewer than this.
  const repeat = (context.repeat ?? 0) + before * 1024;
  return dataset.load(index, { ...context, repeat });
}

const threadModule = new URL('../../../dist/data/wrappers/mapped.js', import.meta.url).href;

/** How a worker thread opens one: see `MappedDataset.source`. */
export async function openMapped(options: {
  readonly source: DatasetSource;
  readonly indices: Int32Array;
}): Promise<MappedDataset> {
  return new MappedDataset(await openSource(options.source), options.indices);
}
