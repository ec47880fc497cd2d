/**
 * A short, stable name for a graph's content: the key of compile caches. Scopes are left out, since they do not change
 * what is computed.
 */

import type { Graph } from './graph.ts';

/** 64 bits as 16 hex digits: two 32-bit FNV-1a hashes of the canonical JSON, with different offsets. */
export function fingerprint(graph: Graph): string {
  const text = JSON.stringify([
    graph.values.map((value) => [value.dtype, value.shape]),
    graph.nodes.map((node) => [node.op, node.inputs, node.attrs, node.outputs]),
    graph.inputs,
    graph.outputs,
    graph.state,
  ]);
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x01000193) ^ (b >>> 13);
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
