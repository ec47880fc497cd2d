/**
 * Samples made of several (mmdet's `MultiImageMixDataset`): mix-up, mosaic, copy-paste. A mix says which other samples it wants and makes one of
 * them all; the others are loaded and transformed like any sample.
 */

import { Registry, type TypedConfig } from '../../config/registry.ts';
import { type RandomNumbers, randomNumbers } from '../random.ts';
import { openSource } from '../source.ts';
import type { Dataset, DatasetSource, Sample, SampleContext } from '../types.ts';

export interface SampleMix {
  /** Which other samples, of `length`, are mixed with sample `index`; none leaves it as it is. */
  partners(index: number, length: number, random: RandomNumbers): readonly number[];
  /** One sample of them all, the first of which is the one that was asked for. */
  mix(samples: readonly Sample[], random: RandomNumbers): Sample;
  /** How a worker thread makes the same mix; one that does not say keeps its data set on the main thread. */
  source?(): DatasetSource;
}

/** A mix as a config names it. Other packages add theirs by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface SampleMixTypes {}

export const sampleMixes = new Registry<SampleMixTypes, SampleMix>('sample mix');

export type SampleMixConfig = TypedConfig<SampleMixTypes>;

export class MultiImageMixDataset implements Dataset {
  readonly #dataset: Dataset;
  readonly #mixes: readonly SampleMix[];

  constructor(dataset: Dataset, mixes: readonly SampleMix[]) {
    this.#dataset = dataset;
    this.#mixes = mixes;
  }

  get length(): number {
    return this.#dataset.length;
  }

  get classes(): readonly string[] {
    return this.#dataset.classes;
  }

  async load(index: number, context: SampleContext): Promise<Sample> {
    const { seed, epoch, repeat = 0, training } = context;
    const random = randomNumbers(seed, `mix/${epoch}/${index}/${repeat}`);
    // Parts are no rows of the batch.
    const apart: SampleContext = { seed, epoch, repeat, training };
    let sample = await this.#dataset.load(index, apart);
    for (const mix of this.#mixes) {
      const partners = mix.partners(index, this.length, random);
      if (partners.length === 0) continue;
      const others = await Promise.all(partners.map((partner) => this.#dataset.load(partner, apart)));
      sample = mix.mix([sample, ...others], random);
    }
    return sample;
  }

  nameOf(index: number): string {
    return this.#dataset.nameOf(index);
  }

  labelOf(index: number): number | undefined {
    return this.#dataset.labelOf?.(index);
  }

  aspectRatioOf(index: number): number | undefined {
    return this.#dataset.aspectRatioOf?.(index);
  }

  problemOf(index: number): string | null {
    return this.#dataset.problemOf?.(index) ?? null;
  }

  source(): DatasetSource | null {
    const dataset = this.#dataset.source?.() ?? null;
    const mixes = this.#mixes.map((mix) => mix.source?.() ?? null);
    if (dataset === null || mixes.includes(null)) return null;
    return { module: threadModule, name: 'openMultiImageMix', options: { dataset, mixes } };
  }
}

const threadModule = new URL('../../../dist/data/wrappers/multiImageMix.js', import.meta.url).href;

/** How a worker thread opens one: see `MultiImageMixDataset.source`. */
export async function openMultiImageMix(options: {
  readonly dataset: DatasetSource;
  readonly mixes: readonly DatasetSource[];
}): Promise<MultiImageMixDataset> {
  const mixes = await Promise.all(options.mixes.map((mix) => openSource<SampleMix>(mix)));
  return new MultiImageMixDataset(await openSource(options.dataset), mixes);
}
