/**
 * Every class equally often (Relay backpropagation, Shen et al., 2016; mmdet's `ClassAwareSampler`): the classes take turns, in a new random order each
 * round, and each goes through its own samples, shuffled anew whenever they are used up.
 */

import { OmmaError } from '@omma/core';
import type { Dataset } from '../types.ts';
import { shuffled } from './order.ts';
import type { SampleOrder, Sampler, SamplerRequest } from './sampler.ts';

export class ClassAwareSampler implements Sampler {
  count({ length }: Dataset): number {
    return length;
  }

  order({ dataset, seed, epoch }: SamplerRequest): SampleOrder {
    const members = byClass(dataset);
    const classes = Int32Array.from(members.keys());
    const queues = members.map((own, label) => new Queue(own, seed, `class ${label}/${epoch}`));
    const indices = new Int32Array(dataset.length);
    const repeats = new Uint16Array(dataset.length);
    for (let at = 0, round = 0; at < indices.length; round++) {
      for (const label of shuffled(classes, seed, `classes/${epoch}/${round}`)) {
        if (at === indices.length) break;
        const next = queues[label]?.next();
        if (next === undefined) throw new Error('ClassAwareSampler: no class');
        indices[at] = next.index;
        repeats[at++] = next.pass;
      }
    }
    return { indices, repeats };
  }
}

/** The samples of a class, again and again. */
class Queue {
  readonly #members: readonly number[];
  readonly #seed: number;
  readonly #name: string;
  #order: Int32Array = new Int32Array();
  #at = 0;
  #pass = -1;

  constructor(members: readonly number[], seed: number, name: string) {
    this.#members = members;
    this.#seed = seed;
    this.#name = name;
  }

  next(): { index: number; pass: number } {
    if (this.#at === this.#order.length) {
      this.#pass++;
      this.#at = 0;
      this.#order = shuffled(Int32Array.from(this.#members), this.#seed, `${this.#name}/${this.#pass}`);
    }
    return { index: this.#order[this.#at++] ?? 0, pass: this.#pass };
  }
}

/** The samples of every class that has any. */
function byClass(dataset: Dataset): number[][] {
  const members = new Map<number, number[]>();
  for (let index = 0; index < dataset.length; index++) {
    const label = dataset.labelOf?.(index);
    if (label === undefined) {
      throw new OmmaError(
        'ClassAwareSampler: the data set does not tell the class of a sample (labelOf); use another sampler',
      );
    }
    const own = members.get(label);
    if (own === undefined) members.set(label, [index]);
    else own.push(index);
  }
  return [...members].toSorted(([a], [b]) => a - b).map(([, own]) => own);
}
