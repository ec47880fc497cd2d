/** Results without axes, in dialects that have no scalars: a reduction keeps its axes and is made a vector of length 1 afterwards. */

import { FormContext } from '../formContext.ts';
import type { RefusedNode } from '../forms.ts';

/** The node's result as a vector of length 1; null for operators that do not make scalars of tensors. */
export function asVector(node: RefusedNode): string[] | null {
  const context = new FormContext(node);
  const { opType } = node.facts;
  if (opType === 'Reshape' || opType === 'Squeeze') return [context.reshape(context.name(0), [1])];
  if (node.attributes.keepdims !== 0) return null;
  const kept = context.emit(opType, node.inputs, { ...node.attributes, keepdims: 1 });
  return [context.reshape(kept, [1])];
}
