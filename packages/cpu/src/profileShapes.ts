/**
 * Shapes for the rows of a profile. The addon names a row by op and module path, as the graph that it was given names its nodes; where several nodes of one
 * name differ in shape, it is not said which row is which, and there are none.
 */

import { type Graph, graphValue, type NodeShapes } from '@omma/core';

/** Shapes of what the nodes of `graph` read and write, by op and module path. */
export function shapesByName(graph: Graph): (op: string, scope: string) => NodeShapes | null {
  const known = new Map<string, NodeShapes | null>();
  const shapes = (ids: readonly number[]) => ids.map((id) => graphValue(graph, id).shape);
  for (const { op, scope, inputs, outputs } of graph.nodes) {
    const found = { inputs: shapes(inputs), outputs: shapes(outputs) };
    const name = nameOf(op, scope);
    const other = known.get(name);
    const same = other === undefined || JSON.stringify(other) === JSON.stringify(found);
    known.set(name, same ? found : null);
  }
  return (op, scope) => known.get(nameOf(op, scope)) ?? null;
}

function nameOf(op: string, scope: string): string {
  return `${op} ${scope}`;
}
