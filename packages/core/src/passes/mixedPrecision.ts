/**
 * Mixed precision: inserts the casts that each op's `amp` rule asks for.
 *
 * Runs on the differentiated graph, so forward and backward follow the same rules. Graph inputs, outputs and state keep their types:
 * master weights stay float32, and a weight's cast to 16 bits happens once a step because equal nodes are shared.
 */

import type { DType } from '../dtype.ts';
import { isFloat } from '../dtype.ts';
import { type Graph, graphValue } from '../graph/graph.ts';
import { type AmpRule, applyOp, at, opNamed } from '../op.ts';
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

/**
 * The float type that an op's inputs are brought to; null when it has no float inputs. Scalars adapt to the tensors beside them,
 * unless float16 cannot hold them.
 */
function targetOf(rule: AmpRule, inputs: readonly Tensor[], low: MixedPrecision): DType | null {
  const floats = inputs.filter((input) => isFloat(input.dtype));
  const tensors = floats.filter((input) => input.rank > 0);
  const deciding = tensors.length > 0 ? tensors : floats;
  const leading = deciding[0];
  if (leading === undefined) return null;
  if (rule === 'low') return low;
  if (rule === 'f32') return 'float32';
  const wide = low === 'float16' && floats.some((input) => input.rank === 0 && !fitsFloat16(input));
  if (wide) return 'float32';
  if (rule === 'follow') return leading.dtype;
  return deciding.every((input) => input.dtype === low) ? low : 'float32';
}

/** A scalar that is float16 already, or a constant within float16's normal range. */
function fitsFloat16({ origin, dtype }: Tensor): boolean {
  if (dtype === 'float16' || origin.kind !== 'traced') return dtype === 'float16';
  const { producer } = at(origin.builder.values, origin.id);
  const node = producer === null ? null : at(origin.builder.nodes, producer);
  const size = node?.op === 'full' ? Math.abs(Number(node.attrs.value)) : Number.NaN;
  return size === 0 || size === Number.POSITIVE_INFINITY || (size >= 2 ** -14 && size <= 65504);
}

function to(tensor: Tensor, dtype: DType): Tensor {
  return tensor.dtype === dtype ? tensor : cast(tensor, dtype);
}

/** Values whose type the outside relies on: outputs and state writes. */
function keptTypes(graph: Graph): Map<number, DType> {
  const types = new Map<number, DType>();
  for (const port of graph.outputs) types.set(port.value, graphValue(graph, port.value).dtype);
  for (const slot of graph.state)
    if (slot.write !== null) types.set(slot.write, graphValue(graph, slot.read).dtype);
  return types;
}
