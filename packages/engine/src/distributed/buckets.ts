/**
 * Gradient buckets: tensors flattened and concatenated into a few large vectors, because one reduction of 25 MiB costs far less than
 * a hundred of its parts. Both halves happen in graphs: the gradient model writes each bucket as one variable, the update model reads it and
 * cuts it up again.
 */

import { concat, OmmaError, pin, reshape, type Shape, split, type Tensor, Variable } from '@omma/core';

interface Entry {
  readonly name: string;
  readonly shape: Shape;
  readonly size: number;
}

/** PyTorch's bucket_cap_mb. */
const defaultBytes = 25 * 2 ** 20;

export class GradientBuckets {
  readonly #limit: number;
  readonly #name: string;
  #layout: (readonly Entry[])[] | null = null;
  #variables: Variable[] = [];

  /** `name` is the prefix of the variables' names; a bucket takes tensors until it has `bytes`. */
  constructor(name: string, bytes = defaultBytes) {
    this.#name = name;
    this.#limit = bytes / Float32Array.BYTES_PER_ELEMENT;
  }

  /** One flat float32 vector each. None before the first `pack`. */
  get variables(): readonly Variable[] {
    return this.#variables;
  }

  /** Writes `factor` times the tensors into the buckets, as float32. The first call fixes the layout. Inside `trace`. */
  pack(tensors: ReadonlyMap<string, Tensor>, factor: number): void {
    const entries = [...tensors].map(([name, { shape, size }]) => ({ name, shape, size }));
    const layout = this.#layout ?? this.#arrange(entries);
    if (JSON.stringify(layout.flat()) !== JSON.stringify(entries)) {
      throw new OmmaError(
        `${this.#name}: the tensors of a step have changed (${layout.flat().length} before, ${entries.length} now); a model must have the same ` +
          'parameters, statistics and scalars for every input shape',
      );
    }
    layout.forEach((bucket, i) => {
      const parts = bucket.map(({ name, size }) => reshape(pin(known(tensors, name), 'float32'), [size]));
      this.#variables[i]?.write(concat(parts, 0).mul(factor));
    });
  }

  /** The tensors of the buckets by name. Inside `trace`, after a first `pack`. */
  unpack(): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    this.#layout?.forEach((bucket, i) => {
      const variable = this.#variables[i];
      if (variable === undefined) throw new Error(`${this.#name}: no bucket ${i}`);
      const parts = split(
        variable.read(),
        bucket.map(({ size }) => size),
      );
      bucket.forEach(({ name, shape }, j) => {
        const part = parts[j];
        if (part !== undefined) tensors.set(name, reshape(part, shape));
      });
    });
    return tensors;
  }

  release(): void {
    for (const variable of this.#variables) variable.release();
  }

  #arrange(entries: readonly Entry[]): (readonly Entry[])[] {
    const layout: Entry[][] = [];
    let room = 0;
    for (const entry of entries) {
      const open = layout.at(-1);
      if (open !== undefined && entry.size <= room) {
        open.push(entry);
        room -= entry.size;
      } else {
        layout.push([entry]);
        room = this.#limit - entry.size;
      }
    }
    this.#variables = layout.map((bucket, i) => {
      const size = bucket.reduce((total, entry) => total + entry.size, 0);
      return new Variable(`${this.#name}.${i}`, { shape: [size], dtype: 'float32' });
    });
    this.#layout = layout;
    return layout;
  }
}

function known(tensors: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`buckets: no tensor ${name}`);
  return tensor;
}
