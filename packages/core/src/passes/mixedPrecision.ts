/**
 * Mixed precision: inserts the casts that each op's `amp` rule asks for.
 *
 * Runs on the differentiated graph, so forward and backward follow the same rules. Graph inputs, outputs and state keep their types:
 * master weights stay float32, and a weight's cast to 16 bits happens once a step because equal nodes are shared.
 */

import type { DType } from '../dtype.ts';
import { isFloat } from '../dtype.ts';
import { type Graph, valueOf } from '../graph/graph.ts';
import { applyOp, at, opNamed } from '../op.ts';
import { cast } from '../ops/index.ts';
import type { Tensor } from '../tensor.ts';
import { rewrite } from './rewrite.ts';

export type MixedPrecision = 'bfloat16' | 'float16';

export function applyMixedPrecision(graph: Graph, low: MixedPrecision): Graph {
  const results = keptTypes(graph);
  return rewrite(graph, (node, inputs) => {
    if (node.op === 'cast') return null;
    const definition = opNamed(node.op);
    const target = targetOf(definition.amp, inputs, low);
    const follow = definition.amp === 'follow';
    const adapted = inputs.map((input, i) => {
      if (target === null || !isFloat(input.dtype)) return input;
      if (follow && i > 0 && input.rank <= 1) return to(input, 'float32');
      return to(input, target);
    });
    const outputs = applyOp(definition, adapted, node.attrs);
    return outputs.map((output, i) => {
      const kept = results.get(at(node.outputs, i));
      return kept === undefined ? output : to(output, kept);
    });
  });
}

/** The float type that an op's inputs are brought to; null when it has no float inputs. Scalars never decide: they adapt. */
function targetOf(
  rule: 'low' | 'f32' | 'follow' | 'widest',
  inputs: readonly Tensor[],
  low: MixedPrecision,
): DType | null {
  const all = inputs.filter((input) => isFloat(input.dtype));
  const floats = all.some((input) => input.rank > 0) ? all.filter((input) => input.rank > 0) : all;
  const leading = floats[0];
  if (leading === undefined) return null;
  switch (rule) {
    case 'low':
      return low;
    case 'f32':
      return 'float32';
    case 'follow':
      return leading.dtype;
    case 'widest':
      return floats.every((input) => input.dtype === low) ? low : 'float32';
  }
}

function to(tensor: Tensor, dtype: DType): Tensor {
  return tensor.dtype === dtype ? tensor : cast(tensor, dtype);
}

/** Values whose type the outside relies on: outputs and state writes. */
function keptTypes(graph: Graph): Map<number, DType> {
  const types = new Map<number, DType>();
  for (const port of graph.outputs) types.set(port.value, valueOf(graph, port.value).dtype);
  for (const slot of graph.state)
    if (slot.write !== null) types.set(slot.write, valueOf(graph, slot.read).dtype);
  return types;
}
