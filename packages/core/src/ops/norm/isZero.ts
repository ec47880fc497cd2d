/** Tells a cotangent that never arrived, so that rules of ops with several outputs can leave out the terms that it would give. */

import type { Tensor } from '../../tensor.ts';

/** True when `tensor` is a traced fill with 0. */
export function isZero({ origin }: Tensor): boolean {
  if (origin.kind !== 'traced') return false;
  const producer = origin.builder.values[origin.id]?.producer ?? null;
  if (producer === null) return false;
  const node = origin.builder.nodes[producer];
  return node?.op === 'full' && node.attrs.value === 0;
}
