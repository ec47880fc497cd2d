/**
 * Reverse-mode differentiation, graph to graph: `gradients(loss, wrt)` adds the nodes that compute the gradients to the
 * graph being traced, so gradients of gradients need nothing more.
 *
 * Walk the nodes backwards from the loss; where a cotangent has arrived and some requested tensor lies upstream, apply the
 * op's rule; add up what arrives at each value. Broadcasting is undone here, in one place, so that no rule needs to.
 */

import { isFloat } from './dtype.ts';
import { OmmaError, ShapeError } from './errors.ts';
import type { GraphBuilder } from './graph/builder.ts';
import type { Graph, Node } from './graph/graph.ts';
import { applyOp, at, type GradientContext, lowerOp, type OpDefinition, opNamed } from './op.ts';
import { add, cast, full, sumTo } from './ops/index.ts';
import { Recomputation } from './recompute.ts';
import { formatShape, sameShape } from './shape.ts';
import type { Tensor } from './tensor.ts';
import { currentBuilder, lift, trace } from './trace.ts';

export interface GradientOptions {
  /** The gradient at the loss, which may then have any shape; 1 unless given. */
  readonly cotangent?: Tensor;
  /**
   * Module paths (`backbone.layer1`) whose activations are computed again in the backward pass in place of being kept: the same operations on the
   * same numbers, so the same gradients, but for how a device's fusions round. A path within another is an OmmaError.
   */
  readonly recompute?: readonly string[];
}

/**
 * Gradients of `loss` (a float scalar unless `cotangent` is given) with respect to each tensor of `wrt`, in their shapes
 * and dtypes. A tensor that the loss does not depend on gets zeros. Only inside `trace`.
 */
export function gradients(
  loss: Tensor,
  wrt: readonly Tensor[],
  { cotangent, recompute = [] }: GradientOptions = {},
): Tensor[] {
  const builder = currentBuilder();
  if (builder === null)
    throw new OmmaError('gradients: call it inside trace or compile; use grad(f) outside');
  if (cotangent === undefined && loss.size !== 1) {
    throw new ShapeError(
      `gradients: the loss must have one element but has shape ${formatShape(loss.shape)}; sum or average it first`,
    );
  }
  const seed = cotangent ?? full(loss.shape, 1, loss.dtype);
  const targets = wrt.map((tensor) => lift(builder, tensor));
  return backward(builder, { output: lift(builder, loss), seed, targets, recompute });
}

/**
 * For each tensor of `wrt`, whether any gradient of `loss` can reach it. False where `gradients` would give zeros: a parameter that the loss does not
 * depend on, or only through what is not differentiable.
 */
export function reachable(loss: Tensor, wrt: readonly Tensor[]): boolean[] {
  const builder = currentBuilder();
  if (builder === null) throw new OmmaError('reachable: call it inside trace or compile');
  const output = lift(builder, loss);
  const reached = new Set([output]);
  for (const index of coneOf(builder, output, new Set()).reverse()) {
    const { op, inputs, outputs } = at(builder.nodes, index);
    if (typeof opNamed(op).grad === 'object' || !outputs.some((id) => reached.has(id))) continue;
    for (const id of inputs) if (isFloat(at(builder.values, id).dtype)) reached.add(id);
  }
  return wrt.map((tensor) => reached.has(lift(builder, tensor)));
}

/**
 * The gradient function of `f`, which maps tensors to a float scalar: called with the same inputs, it gives one gradient for each.
 * Works outside of `trace` too, where `f` must not read or write variables.
 */
export function grad(f: (...inputs: Tensor[]) => Tensor): (...inputs: Tensor[]) => Tensor[] {
  return (...inputs) => {
    if (currentBuilder() !== null) return gradients(f(...inputs), inputs);
    const graph = trace(
      (named) => {
        const symbols = Object.values(named);
        return Object.fromEntries(
          gradients(f(...symbols), symbols).map((gradient, i) => [`g${i}`, gradient]),
        );
      },
      Object.fromEntries(inputs.map(({ shape, dtype }, i) => [`x${i}`, { shape, dtype }])),
    );
    if (graph.state.length > 0) {
      throw new OmmaError(
        `grad: variable ${at(graph.state, 0).name} is used outside of trace; use compile and gradients instead`,
      );
    }
    return replay(graph, inputs);
  };
}

/** Applies a graph's operations to other tensors. */
function replay(graph: Graph, inputs: readonly Tensor[]): Tensor[] {
  const tensors = new Map(graph.inputs.map((port, i) => [port.value, at(inputs, i)]));
  const get = (id: number): Tensor => {
    const tensor = tensors.get(id);
    if (tensor === undefined) throw new Error(`grad: value %${id} is used before it is made`);
    return tensor;
  };
  for (const node of graph.nodes) {
    const outputs = applyOp(opNamed(node.op), node.inputs.map(get), node.attrs);
    node.outputs.forEach((id, i) => {
      tensors.set(id, at(outputs, i));
    });
  }
  return graph.outputs.map((port) => get(port.value));
}

interface Walk {
  readonly output: number;
  /** The gradient at `output`. */
  readonly seed: Tensor;
  readonly targets: readonly number[];
  /**
   * Where the walk stops: at the inputs of a lowered op, so that differentiating a lowering costs no more than the lowering itself and the whole stays
   * linear.
   */
  readonly boundary?: ReadonlySet<number>;
  readonly recompute?: readonly string[];
}

/** Gradients at the targets. */
function backward(
  builder: GraphBuilder,
  { output, seed, targets, boundary = new Set(), recompute = [] }: Walk,
): Tensor[] {
  const cone = coneOf(builder, output, boundary);
  const needed = neededValues(builder, cone, targets);
  const forward = new Recomputation(builder, cone, output, recompute);
  const arrived = new Map<number, Tensor>([[output, seed]]);
  for (const index of cone.reverse()) {
    const node = at(builder.nodes, index);
    if (!node.outputs.some((id) => arrived.has(id)) || !node.inputs.some((id) => needed.has(id))) continue;
    const outer = builder.scope;
    builder.scope = node.scope === '' ? outer : node.scope;
    applyRule(builder, node, { arrived, needed, forward }).forEach((gradient, i) => {
      const id = at(node.inputs, i);
      if (gradient === null || !needed.has(id)) return;
      const part = fitted(builder, node, id, gradient);
      const known = arrived.get(id);
      arrived.set(id, known === undefined ? part : add(known, part));
    });
    builder.scope = outer;
  }
  return targets.map(
    (id) => arrived.get(id) ?? full(at(builder.values, id).shape, 0, at(builder.values, id).dtype),
  );
}

/** Indices, ascending, of the nodes that `output` is computed from, without looking beyond `boundary`. */
function coneOf(builder: GraphBuilder, output: number, boundary: ReadonlySet<number>): number[] {
  const seen = new Set<number>();
  const open = [output];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const index = at(builder.values, id).producer;
    if (index === null || boundary.has(id) || seen.has(index)) continue;
    seen.add(index);
    open.push(...at(builder.nodes, index).inputs);
  }
  return [...seen].sort((a, b) => a - b);
}

/** Values from which gradient must flow on: the targets, and every float value in the cone computed from one. */
function neededValues(
  builder: GraphBuilder,
  cone: readonly number[],
  targets: readonly number[],
): Set<number> {
  const needed = new Set(targets);
  for (const index of cone) {
    const node = at(builder.nodes, index);
    const { grad } = opNamed(node.op);
    const stops = typeof grad === 'object' || !node.inputs.some((id) => needed.has(id));
    if (stops) continue;
    for (const id of node.outputs) if (isFloat(at(builder.values, id).dtype)) needed.add(id);
  }
  return needed;
}

/** What a walk knows at a node. */
interface WalkState {
  readonly arrived: ReadonlyMap<number, Tensor>;
  readonly needed: ReadonlySet<number>;
  readonly forward: Recomputation;
}

function applyRule(
  builder: GraphBuilder,
  node: Node,
  { arrived, needed, forward }: WalkState,
): readonly (Tensor | null)[] {
  const definition = opNamed(node.op);
  const { grad } = definition;
  const context: GradientContext<Node['attrs']> = {
    inputs: node.inputs.map((id) => forward.tensor(id)),
    outputs: node.outputs.map((id) => forward.tensor(id)),
    attrs: node.attrs,
    cotangent: (index = 0) => {
      const id = at(node.outputs, index);
      const value = at(builder.values, id);
      return arrived.get(id) ?? full(value.shape, 0, value.dtype);
    },
    needs: (input) => needed.has(at(node.inputs, input)),
  };
  if (grad === 'lower') return throughLowering(builder, definition, node, context, arrived);
  if (typeof grad === 'function') return grad(context);
  return node.inputs.map(() => null);
}

/**
 * Differentiates the lowering in place of the op: its forward nodes are added again (shared where equal, dead where unused)
 * and walked backwards from the op's cotangents.
 */
function throughLowering(
  builder: GraphBuilder,
  definition: OpDefinition,
  node: Node,
  context: GradientContext<Node['attrs']>,
  arrived: ReadonlyMap<number, Tensor>,
): readonly (Tensor | null)[] {
  const outputs = lowerOp(definition, context.inputs, context.attrs);
  const wanted = node.inputs.map((_, i) => context.needs(i));
  const inputs = context.inputs.map((input) => lift(builder, input));
  const targets = inputs.filter((_, i) => wanted[i]);
  const boundary = new Set(inputs);
  const totals: (Tensor | null)[] = node.inputs.map(() => null);
  outputs.forEach((output, o) => {
    const seed = arrived.get(at(node.outputs, o));
    if (seed === undefined) return;
    const parts = backward(builder, { output: lift(builder, output), seed, targets, boundary });
    let next = 0;
    wanted.forEach((want, i) => {
      if (!want) return;
      const part = at(parts, next++);
      const known = totals[i];
      totals[i] = known === null || known === undefined ? part : add(known, part);
    });
  });
  return totals;
}

/** Brings a gradient to its value's shape (summing over broadcast axes) and dtype. */
function fitted(builder: GraphBuilder, node: Node, id: number, gradient: Tensor): Tensor {
  const value = at(builder.values, id);
  const summed = sameShape(gradient.shape, value.shape) ? gradient : sumTo(gradient, value.shape);
  if (!sameShape(summed.shape, value.shape)) {
    throw new Error(
      `gradient of ${node.op} has shape ${formatShape(gradient.shape)} for an input of shape ${formatShape(value.shape)}`,
    );
  }
  return summed.dtype === value.dtype ? summed : cast(summed, value.dtype);
}
