/**
 * Takes apart what a device lacks: every unsupported op is replaced by its lowering, again and again until the device supports
 * all that is left or an op has no lowering.
 */

import type { Device } from '../device/device.ts';
import { DeviceError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { lowerOp, opNamed } from '../op.ts';
import { rewrite } from './rewrite.ts';

/** Lowerings nest at most this deep; more means that two of them produce each other. */
const maxRounds = 16;

export function lowerUnsupported(
  graph: Graph,
  device: Pick<Device, 'name' | 'supports'>,
  onUnsupported: 'error' | 'reference',
): Graph {
  let current = graph;
  for (let round = 0; round < maxRounds; round++) {
    const missing = current.nodes.map((node) => device.supports(node, current));
    if (missing.every((answer) => answer === true)) return current;
    let changed = false;
    const source = current;
    current = rewrite(source, (node, inputs, index) => {
      const answer = missing[index];
      if (answer === true) return null;
      const definition = opNamed(node.op);
      if (definition.lower !== undefined) {
        changed = true;
        return lowerOp(definition, inputs, node.attrs);
      }
      if (onUnsupported === 'reference' && definition.reference !== undefined) return null;
      const where = node.scope === '' ? '' : ` at ${node.scope}`;
      throw new DeviceError(
        `device ${device.name} cannot run ${node.op}${where}: ${answer}, and ${node.op} has no lowering; ` +
          'use another device or allow the reference device to step in',
      );
    });
    if (!changed) return current;
  }
  throw new Error(`lowerUnsupported: still unsupported ops after ${maxRounds} rounds`);
}
