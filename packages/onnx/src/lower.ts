/** Takes apart every op that no rule can write, until rules can write all that is left. */

import { at, type Graph, lowerOp, OmmaError, opNamed, rewrite } from '@omma/core';
import type { Dialect } from './dialect/dialect.ts';
import { ruleFor } from './rule.ts';

/** Lowerings nest at most this deep; more means that two of them produce each other. */
const maxRounds = 16;

export function lowerToRules(graph: Graph, dialect: Dialect): Graph {
  let current = graph;
  for (let round = 0; round < maxRounds; round++) {
    let changed = false;
    const source = current;
    current = rewrite(source, (node, inputs) => {
      const types = node.inputs.map((id) => at(source.values, id));
      if (ruleFor(node.op, dialect, types, node.attrs) !== null) return null;
      const definition = opNamed(node.op);
      if (definition.lower === undefined) {
        const where = node.scope === '' ? '' : ` at ${node.scope}`;
        throw new OmmaError(
          `onnx: ${node.op}${where} cannot be written in ONNX opset ${dialect.opset} and has no lowering; ` +
            `${dialect.opset === 13 ? 'try opset 17, or ' : ''}add a rule with defineRule('${node.op}', ...)`,
        );
      }
      changed = true;
      return lowerOp(definition, inputs, node.attrs);
    });
    if (!changed) return current;
  }
  throw new Error(`lowerToRules: still ops without a rule after ${maxRounds} rounds`);
}
