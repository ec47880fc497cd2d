/**
 * Grows one graph, node by node. `trace` owns one while a function runs; every pass writes its result through one.
 *
 * Equal pure nodes are shared as they are added (same op, inputs and attributes give the same values), so common
 * subexpressions never enter a graph. Ops of kind `random` are pure too: their salt is an attribute.
 */

import type { DType } from '../dtype.ts';
import type { Shape } from '../shape.ts';
import type { HostTensor, PendingCall, Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';
import type { Attributes, Graph, Node, Port, StateSlot, TensorType, Value } from './graph.ts';

/** Gradients at the inputs, given the gradient at the output; null where there is none. */
export type CustomGradient = (
  cotangent: Tensor,
  inputs: readonly Tensor[],
  output: Tensor,
) => readonly (Tensor | null)[];

export class GraphBuilder {
  readonly values: Value[] = [];
  readonly nodes: Node[] = [];
  readonly inputs: Port[] = [];
  readonly outputs: Port[] = [];
  readonly state: StateSlot[] = [];
  /** Module path for nodes added from now on. */
  scope = '';
  /** The variables behind the state slots, by name, and what has been written to them so far. */
  readonly variables = new Map<string, Variable>();
  readonly written = new Map<string, number>();
  /** Where operations recorded outside of `trace` have been added. */
  readonly placed = new Map<PendingCall, readonly number[]>();
  /** Host numbers that became inputs; null when they become constants. */
  readonly hosts: Map<HostTensor, number> | null;
  /** Gradient rules of `customGrad`: functions are no part of a graph, its nodes name them by index. */
  readonly customRules: CustomGradient[] = [];
  readonly #shared = new Map<string, readonly number[]>();
  readonly #slots = new Map<string, number>();

  constructor({ hostsAsInputs = false }: { readonly hostsAsInputs?: boolean } = {}) {
    this.hosts = hostsAsInputs ? new Map() : null;
  }

  input(name: string, type: TensorType): number {
    const id = this.#value(type, null);
    this.inputs.push({ name, value: id });
    return id;
  }

  /** The id that reads state `name`; one per name. */
  readState(name: string, type: TensorType): number {
    const known = this.#slots.get(name);
    if (known !== undefined) {
      const slot = this.state[known];
      if (slot !== undefined) return slot.read;
    }
    const id = this.#value(type, null);
    this.#slots.set(name, this.state.length);
    this.state.push({ name, read: id, write: null });
    return id;
  }

  /** Sets the value that state `name` keeps at the end of a run. Later calls replace earlier ones. */
  writeState(name: string, type: TensorType, value: number): void {
    this.readState(name, type);
    const index = this.#slots.get(name) ?? 0;
    const slot = this.state[index];
    if (slot !== undefined) this.state[index] = { ...slot, write: value };
  }

  output(name: string, value: number): void {
    this.outputs.push({ name, value });
  }

  /** Adds a node, or returns the outputs of an equal one. */
  node(
    op: string,
    inputs: readonly number[],
    attrs: Attributes,
    outputs: readonly TensorType[],
  ): readonly number[] {
    const key = `${op}|${inputs.join(',')}|${JSON.stringify(attrs)}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const index = this.nodes.length;
    const ids = outputs.map((type) => this.#value(type, index));
    this.nodes.push({ op, inputs, attrs, outputs: ids, scope: this.scope });
    this.#shared.set(key, ids);
    return ids;
  }

  finish(): Graph {
    return {
      values: this.values,
      nodes: this.nodes,
      inputs: this.inputs,
      outputs: this.outputs,
      state: this.state,
    };
  }

  #value(type: { shape: Shape; dtype: DType }, producer: number | null): number {
    const id = this.values.length;
    this.values.push({ id, shape: type.shape, dtype: type.dtype, producer });
    return id;
  }
}
