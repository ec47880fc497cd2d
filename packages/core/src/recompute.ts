/**
 * Activation checkpointing (Chen et al., Training deep nets with sublinear memory cost, 2016): the backward pass computes the activations of some modules again,
 * so that the forward pass need not keep them. `gradients` asks here for every value that a gradient rule reads.
 *
 * A segment is the nodes of one module. Kept are the values that nodes outside of it read, and whatever state alone gives; the rest is copied, node by node, when
 * it is first asked for. Copies begin behind an `optimizationBarrier`, else they would be shared with what they are copies of. They have the same
 * attributes, so the same numbers, random ones too, whose key goes through a barrier as well. Running statistics are written by the forward pass alone, and
 * collectives are not repeated.
 */

import { OmmaError } from './errors.ts';
import type { GraphBuilder } from './graph/builder.ts';
import type { Node } from './graph/graph.ts';
import { applyOp, at, opNamed } from './op.ts';
import { optimizationBarrier } from './ops/index.ts';
import type { Tensor } from './tensor.ts';
import { traced } from './trace.ts';

export class Recomputation {
  readonly #builder: GraphBuilder;
  /** Indices of the nodes that may be copied, by the module they belong to. */
  readonly #segments = new Map<number, string>();
  readonly #kept = new Set<number>();
  /** Values that depend on state and constants alone, and on no random number. */
  readonly #fixed: ReadonlySet<number> = new Set();
  /** Copies, by the value that they are copies of. */
  readonly #copies = new Map<number, Tensor>();

  /**
   * For the nodes `cone` (ascending indices) that the value `output` is computed from; `scopes` are the modules to recompute. OmmaError when one lies
   * within another.
   */
  constructor(builder: GraphBuilder, cone: readonly number[], output: number, scopes: readonly string[]) {
    this.#builder = builder;
    if (scopes.length === 0) return;
    checkApart(scopes);
    this.#fixed = fixedValues(builder, cone);
    for (const index of cone) {
      const segment = scopes.find((name) => isWithin(at(builder.nodes, index).scope, name));
      if (segment !== undefined) this.#segments.set(index, segment);
    }
    this.#kept.add(output);
    for (const index of cone) {
      const segment = this.#segments.get(index);
      for (const id of at(builder.nodes, index).inputs) {
        const producer = at(builder.values, id).producer;
        if (producer !== null && this.#segments.get(producer) !== segment) this.#kept.add(id);
      }
    }
  }

  /** The value `id`, or its copy where the forward pass does not keep it. */
  tensor(id: number): Tensor {
    if (this.#isRepeated(id) && !this.#copies.has(id)) this.#copy(id);
    return this.#copies.get(id) ?? traced(this.#builder, id);
  }

  /** Copies what `id` is computed from within its segment, in the order of the forward pass. */
  #copy(id: number): void {
    const wanted = new Set<number>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const index = at(this.#builder.values, next).producer;
      if (index === null || wanted.has(index) || !this.#isRepeated(next) || this.#copies.has(next)) continue;
      wanted.add(index);
      open.push(...at(this.#builder.nodes, index).inputs);
    }
    const outer = this.#builder.scope;
    for (const index of [...wanted].sort((a, b) => a - b)) {
      const node = at(this.#builder.nodes, index);
      this.#builder.scope = node.scope;
      const inputs = node.inputs.map((input) => this.#input(node, input));
      applyOp(opNamed(node.op), inputs, node.attrs).forEach((copy, i) => {
        this.#copies.set(at(node.outputs, i), copy);
      });
    }
    this.#builder.scope = outer;
  }

  #input(node: Node, id: number): Tensor {
    const copy = this.#isRepeated(id) ? this.#copies.get(id) : undefined;
    if (copy !== undefined) return copy;
    const value = traced(this.#builder, id);
    return this.#fixed.has(id) && !draws(node) ? value : optimizationBarrier(value);
  }

  /** True for a value that the backward pass computes again. */
  #isRepeated(id: number): boolean {
    const index = at(this.#builder.values, id).producer;
    if (index === null || !this.#segments.has(index) || this.#kept.has(id) || this.#fixed.has(id))
      return false;
    return opNamed(at(this.#builder.nodes, index).op).kind !== 'collective';
  }
}

/** A node belongs to one segment: with one module inside another, which of them would depend on the order of the list. */
function checkApart(scopes: readonly string[]): void {
  for (const inner of scopes) {
    const outer = scopes.find((other) => other !== inner && isWithin(inner, other));
    if (outer !== undefined)
      throw new OmmaError(
        `gradients: recompute has ${inner}, which is part of ${outer}; leave one of them out`,
      );
  }
}

/** State reads, and what is computed from nothing else. */
function fixedValues(builder: GraphBuilder, cone: readonly number[]): Set<number> {
  const fixed = new Set(builder.state.map(({ read }) => read));
  for (const index of cone) {
    const node = at(builder.nodes, index);
    if (draws(node) || !node.inputs.every((id) => fixed.has(id))) continue;
    for (const id of node.outputs) fixed.add(id);
  }
  return fixed;
}

function draws({ op }: Node): boolean {
  return opNamed(op).kind === 'random';
}

function isWithin(scope: string, module: string): boolean {
  return scope === module || scope.startsWith(`${module}.`);
}
