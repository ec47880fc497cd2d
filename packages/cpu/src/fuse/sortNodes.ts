/**
 * Brings nodes into topological order again after a pass has merged some of them.
 *
 * Depth first from each node in the order given, so that nodes stay where they were unless they must move. Linear time.
 */

import { at, type Node } from '@omma/core';

export function sortNodes(nodes: readonly Node[]): Node[] {
  const producer = new Map<number, number>();
  nodes.forEach((node, index) => {
    for (const id of node.outputs) producer.set(id, index);
  });
  const sorted: Node[] = [];
  const state = new Uint8Array(nodes.length);
  const [unseen, open, done] = [0, 1, 2];
  for (let root = 0; root < nodes.length; root++) {
    // An explicit stack: a chain of thousands of nodes would overflow the call stack.
    const stack = [root];
    while (stack.length > 0) {
      const index = at(stack, stack.length - 1);
      const node = at(nodes, index);
      if (state[index] === done) {
        stack.pop();
      } else if (state[index] === open) {
        state[index] = done;
        sorted.push(node);
        stack.pop();
      } else {
        state[index] = open;
        for (let i = node.inputs.length - 1; i >= 0; i--) {
          const before = producer.get(at(node.inputs, i));
          if (before === undefined || state[before] === done) continue;
          if (state[before] === open)
            throw new Error(`fusion made a cycle through ${node.op} at ${node.scope}`);
          stack.push(before);
        }
      }
    }
  }
  if (state.includes(unseen)) throw new Error('sortNodes: a node was left out');
  return sorted;
}
