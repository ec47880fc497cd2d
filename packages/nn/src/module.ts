/**
 * Module: a tree of layers that hold parameters.
 *
 * Names are OpenMMLab's own, so that its checkpoints load by name: the snake_case form of the property that holds a child
 * (`this.runningMean` is `running_mean`), joined by dots. `call` runs `forward` under the module's name, so that every node of the
 * graph, every error and every profile line carries the module's path.
 */

import { scope, type Tensor } from '@omma/core';
import { Buffer, Parameter } from './parameter.ts';

export abstract class Module<Inputs extends readonly unknown[] = readonly [Tensor], Output = Tensor> {
  /** True while training: batch norm uses the batch's statistics, dropout drops. Set through `train` and `eval`. */
  training = true;
  /** A weight file that this module starts from (`Pretrained` of an initConfig): read by who runs the model. */
  pretrained: { readonly checkpoint: string; readonly prefix?: string } | null = null;
  #name = '';
  #rooted = false;
  readonly #added = new Map<string, AnyModule>();
  readonly #addedVariables = new Map<string, Parameter | Buffer>();

  abstract forward(...inputs: Inputs): Output;

  /** Runs `forward` under this module's name. Parents call their children with this, never `forward`. */
  call(...inputs: Inputs): Output {
    if (!this.#rooted) this.assignNames();
    return scope(this.#name, () => this.forward(...inputs));
  }

  /** False for a list of modules, whose children are called without it: their nodes carry its name too. */
  protected get isCalled(): boolean {
    return true;
  }

  /** Adds a child whose name is not a property: `'0'` in a sequence. */
  protected add<M extends AnyModule>(name: string, child: M): M {
    this.#added.set(name, child);
    return child;
  }

  /** Adds a variable whose name is not a property: that of a weight in an imported file. */
  protected addVariable<V extends Parameter | Buffer>(name: string, variable: V): V {
    this.#addedVariables.set(name, variable);
    return variable;
  }

  /** Direct children by name, in the order of their creation. */
  children(): [string, AnyModule][] {
    const own = Object.entries(this).flatMap(([key, value]): [string, AnyModule][] =>
      value instanceof Module ? [[snakeCase(key), value]] : [],
    );
    return [...own, ...this.#added];
  }

  /** All modules below and including this one, by path; this one has the path ''. */
  namedModules(prefix = ''): [string, AnyModule][] {
    return [
      [prefix, this],
      ...this.children().flatMap(([name, child]) => child.namedModules(join(prefix, name))),
    ];
  }

  /** All parameters by name. A parameter that two modules share appears once, under its first name. */
  namedParameters(): [string, Parameter][] {
    return this.#variables((value) => (value instanceof Parameter ? value : null));
  }

  /** All buffers (state that is not trained) by name. */
  namedBuffers(): [string, Buffer][] {
    return this.#variables((value) => (value instanceof Buffer ? value : null));
  }

  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  buffers(): Buffer[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /** Training mode for this module and all below. Returns the module. */
  train(mode = true): this {
    this.training = mode;
    for (const [, child] of this.children()) child.train(mode);
    return this;
  }

  /** Evaluation mode for this module and all below. Returns the module. */
  eval(): this {
    return this.train(false);
  }

  /** Stops training the parameters below: the optimiser leaves them alone. */
  freeze(): this {
    for (const parameter of this.parameters()) parameter.trainable = false;
    return this;
  }

  /**
   * Gives every module and variable below its path, with `prefix` in front. The first `call` does it with this module as the root;
   * a module must not be changed afterwards.
   */
  assignNames(prefix = ''): this {
    for (const [path, module] of this.namedModules(prefix)) {
      module.#rooted = true;
      const outer = module.isCalled ? '' : module.#name;
      for (const [name, child] of module.children()) child.#name = join(outer, name);
      for (const [name, variable] of module.ownVariables()) variable.name = join(path, name);
    }
    this.#name = prefix;
    return this;
  }

  /** The variables that this module holds itself, by their names in it. */
  ownVariables(): [string, Parameter | Buffer][] {
    const own = Object.entries(this).flatMap(([key, value]): [string, Parameter | Buffer][] =>
      value instanceof Parameter || value instanceof Buffer ? [[snakeCase(key), value]] : [],
    );
    return [...own, ...this.#addedVariables];
  }

  #variables<V extends Parameter | Buffer>(select: (value: Parameter | Buffer) => V | null): [string, V][] {
    const seen = new Set<V>();
    const found: [string, V][] = [];
    for (const [path, module] of this.namedModules()) {
      for (const [name, value] of module.ownVariables()) {
        const selected = select(value);
        if (selected === null || seen.has(selected)) continue;
        seen.add(selected);
        found.push([join(path, name), selected]);
      }
    }
    return found;
  }
}

/** A module of whatever inputs and outputs: what a tree walk sees. */
export type AnyModule = Module<never, unknown>;

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

function snakeCase(name: string): string {
  return name.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, capital: string) => `${before}_${capital.toLowerCase()}`,
  );
}
