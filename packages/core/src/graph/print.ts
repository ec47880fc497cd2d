/**
 * A graph as text: one line a value or node, grouped by module path. For people and for snapshot tests.
 */

import { formatShape } from '../shape.ts';
import { type Graph, graphValue, type TensorType } from './graph.ts';

/** `float32[8, 64, 56, 56]` */
export function formatType(type: TensorType): string {
  return `${type.dtype}${formatShape(type.shape)}`;
}

export function printGraph(graph: Graph): string {
  const typed = (id: number) => `%${id} ${formatType(graphValue(graph, id))}`;
  const lines: string[] = [];
  for (const port of graph.inputs) lines.push(`input  ${port.name}: ${typed(port.value)}`);
  for (const slot of graph.state) lines.push(`state  ${slot.name}: ${typed(slot.read)}`);
  let scope = '';
  for (const node of graph.nodes) {
    if (node.scope !== scope) {
      scope = node.scope;
      lines.push(`  # ${scope === '' ? '(top)' : scope}`);
    }
    const attrs = Object.keys(node.attrs).length > 0 ? ` ${JSON.stringify(node.attrs)}` : '';
    const inputs = node.inputs.map((id) => `%${id}`).join(', ');
    lines.push(`  ${node.outputs.map(typed).join(', ')} = ${node.op}(${inputs})${attrs}`);
  }
  for (const slot of graph.state) if (slot.write !== null) lines.push(`keep   ${slot.name}: %${slot.write}`);
  for (const port of graph.outputs) lines.push(`output ${port.name}: ${typed(port.value)}`);
  return lines.join('\n');
}
