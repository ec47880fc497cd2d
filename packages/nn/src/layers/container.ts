/** Layers that arrange others, and the smallest ones. */

import { dropout, OmmaError, reshape, type Tensor } from '@omma/core';
import { type AnyModule, Module } from '../module.ts';
import { drawKey } from '../random.ts';

/** Children `0`, `1`, ... one after the other. */
export class Sequential extends Module {
  readonly length: number;

  constructor(...layers: readonly Module[]) {
    super();
    this.length = layers.length;
    layers.forEach((layer, i) => {
      this.#layers.push(this.add(String(i), layer));
    });
  }

  readonly #layers: Module[] = [];

  override forward(x: Tensor): Tensor {
    return this.#layers.reduce((y, layer) => layer.call(y), x);
  }
}

/**
 * Children `0`, `1`, ... that a module's own `forward` calls as it likes. Iterable, with `at`; a list itself cannot be called.
 */
export class ModuleList<M extends AnyModule> extends Module<readonly [], never> {
  readonly #modules: M[] = [];

  constructor(modules: Iterable<M> = []) {
    super();
    for (const module of modules) this.append(module);
  }

  get length(): number {
    return this.#modules.length;
  }

  /** Adds a child at the end. Before the first step. */
  append(module: M): this {
    this.#modules.push(this.add(String(this.length), module));
    return this;
  }

  /** The child at `index`, from the back where that is negative. OmmaError where there is none. */
  at(index: number): M {
    const module = this.#modules.at(index);
    if (module === undefined) throw new OmmaError(`ModuleList: there is no ${index} among ${this.length}`);
    return module;
  }

  [Symbol.iterator](): IterableIterator<M> {
    return this.#modules.values();
  }

  protected override get isCalled(): boolean {
    return false;
  }

  override forward(): never {
    throw new OmmaError('ModuleList: cannot be called; call its modules');
  }
}

/** Children by name that a module's own `forward` calls as it likes. */
export class ModuleDict<M extends AnyModule> extends Module<readonly [], never> {
  readonly #modules = new Map<string, M>();

  constructor(modules: Readonly<Record<string, M>> = {}) {
    super();
    for (const [name, module] of Object.entries(modules)) this.set(name, module);
  }

  /** Adds a child. Before the first step. OmmaError for a name that is taken, or has a dot. */
  set(name: string, module: M): this {
    if (name === '' || name.includes('.') || this.#modules.has(name))
      throw new OmmaError(
        `ModuleDict: ${JSON.stringify(name)} is taken, empty, or has a dot; choose another name`,
      );
    this.#modules.set(name, this.add(name, module));
    return this;
  }

  /** OmmaError where there is none. */
  get(name: string): M {
    const module = this.#modules.get(name);
    if (module === undefined)
      throw new OmmaError(`ModuleDict: there is no ${name}, only ${[...this.#modules.keys()].join(', ')}`);
    return module;
  }

  has(name: string): boolean {
    return this.#modules.has(name);
  }

  entries(): IterableIterator<[string, M]> {
    return this.#modules.entries();
  }

  protected override get isCalled(): boolean {
    return false;
  }

  override forward(): never {
    throw new OmmaError('ModuleDict: cannot be called; call its modules');
  }
}

/** Gives back its input: a place that a config can fill. */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}

/** [N, ...] to [N, everything else]. */
export class Flatten extends Module {
  override forward(x: Tensor): Tensor {
    return reshape(x, [x.dim(0), -1]);
  }
}

/** In training, zeroes elements with probability `p` and scales the rest up by 1 / (1 - p). */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    if (!(p >= 0 && p < 1)) throw new OmmaError(`Dropout: p must be in [0, 1) but is ${p}`);
    this.p = p;
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    return dropout(x, { p: this.p, ...drawKey('Dropout') });
  }
}
