/** Several data sets, one after the other (MMEngine's `ConcatDataset`). Their classes must be the same. */

import { OmmaError } from '@omma/core';
import { openSource } from '../source.ts';
import type { Dataset, DatasetSource, Sample, SampleContext } from '../types.ts';

export class ConcatDataset implements Dataset {
  readonly #parts: readonly Dataset[];
  /** Where each part begins, and the end of the last. */
  readonly #starts: readonly number[];

  constructor(parts: readonly Dataset[]) {
    const [first] = parts;
    for (const part of parts) {
      if (first !== undefined && part.classes.join('\n') !== first.classes.join('\n')) {
        throw new OmmaError(
          `ConcatDataset: the data sets have different classes: ${first.classes.join(', ')}, and ${part.classes.join(', ')}; give all the same list \`classes\``,
        );
      }
    }
    this.#parts = parts;
    const starts = [0];
    for (const { length } of parts) starts.push((starts.at(-1) ?? 0) + length);
    this.#starts = starts;
  }

  get length(): number {
    return this.#starts.at(-1) ?? 0;
  }

  get classes(): readonly string[] {
    return this.#parts[0]?.classes ?? [];
  }

  load(index: number, context: SampleContext): Promise<Sample> {
    const { part, at } = this.#find(index);
    return part.load(at, context);
  }

  nameOf(index: number): string {
    const { part, at } = this.#find(index);
    return part.nameOf(at);
  }

  labelOf(index: number): number | undefined {
    const { part, at } = this.#find(index);
    return part.labelOf?.(at);
  }

  aspectRatioOf(index: number): number | undefined {
    const { part, at } = this.#find(index);
    return part.aspectRatioOf?.(at);
  }

  problemOf(index: number): string | null {
    const { part, at } = this.#find(index);
    return part.problemOf?.(at) ?? null;
  }

  source(): DatasetSource | null {
    const sources = this.#parts.map((part) => part.source?.() ?? null);
    return sources.includes(null) ? null : { module: threadModule, name: 'openConcat', options: sources };
  }

  #find(index: number): { part: Dataset; at: number } {
    const number = this.#starts.findLastIndex((start) => start <= index);
    const part = this.#parts[number];
    if (part === undefined || index < 0) throw new Error(`no sample ${index} among ${this.length}`);
    return { part, at: index - (this.#starts[number] ?? 0) };
  }
}

const threadModule = new URL('../../../dist/data/wrappers/concat.js', import.meta.url).href;

/** How a worker thread opens one: see `ConcatDataset.source`. */
export async function openConcat(sources: readonly DatasetSource[]): Promise<ConcatDataset> {
  return new ConcatDataset(await Promise.all(sources.map((source) => openSource(source))));
}
