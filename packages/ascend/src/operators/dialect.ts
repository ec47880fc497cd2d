/**
 * The CANN dialect: ONNX as `atc` takes it for one chip and toolkit. What it takes is read from the operator table; how a refused
 * operator is written otherwise is @omma/onnx's (`dialect/forms.ts`).
 *
 * A node is taken only where the table puts it on AI Core and nothing about it is in doubt. Where two readings of the sources exist,
 * the form that works under both is so preferred, at the price of a few nodes.
 */

import type { Dialect } from '@omma/onnx';
import { checkNode, type Target } from './evaluate.ts';

/** Names in an offline model: outputs are called `node:index:name`, and long ones are cut in logs. */
const longestName = 60;

/** The dialect for `target`: opset 13 before CANN 7, 17 since. */
export function cannDialect(target: Target): Dialect {
  const opset = target.toolkit.writes;
  const opsets = new Map([['', opset]]);
  return {
    name: 'cann',
    opset,
    minRank: 1,
    longestName,
    mergesPictures: false,
    element: (dtype) => (dtype === 'bfloat16' && !target.soc.family.bfloat16 ? 'float32' : dtype),
    allows: (node) => {
      const { place, reason, doubt } = checkNode(node, opsets, target);
      if (place !== 'aiCore') return reason;
      return doubt ?? true;
    },
  };
}
