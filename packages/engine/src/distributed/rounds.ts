/** One collective of a process group, when all members have called it: whether they called the same, and what each gets. */

import { arrayFromBytes, byteSize, bytesOf } from '@omma/core';
import { nothing } from './frames.ts';
import type { Call } from './messages.ts';
import { reduceArrays } from './reduce.ts';

/** Where the calls of a round differ, in a line; null when they agree. */
export function disagreementOf(
  calls: readonly { readonly call: Call; readonly body: Uint8Array }[],
): string | null {
  const described = calls.map(({ call: { name, dtype, op, root }, body }) => {
    const bytes = body.length === 0 ? '' : ` of ${body.length} bytes of ${dtype}`;
    const how = name === 'broadcast' ? ` from rank ${root}` : name.includes('educe') ? ` by ${op}` : '';
    return `${name}${bytes}${how}`;
  });
  const other = described.findIndex((text) => text !== described[0]);
  if (other === -1) return null;
  return `the ranks disagree: rank 0 calls ${described[0]} where rank ${other} calls ${described[other]}`;
}

/** The result of a collective for each rank, from what all ranks gave, or in a line why there is none. All gave as many bytes. */
export function carriedOut(
  { name, dtype, op, root }: Call,
  bodies: readonly Uint8Array[],
): ((rank: number) => Uint8Array) | string {
  const { length } = bodies[0] ?? nothing;
  switch (name) {
    case 'barrier':
    case 'finish':
      return () => nothing;
    case 'broadcast': {
      const sent = bodies[root];
      return sent === undefined ? `broadcast: there is no rank ${root}` : () => sent;
    }
    case 'allGather': {
      const joined = Buffer.concat(bodies);
      return () => joined;
    }
    case 'allReduce':
    case 'reduceScatter': {
      if (length % byteSize(dtype) !== 0) return `${name}: ${length} bytes are no whole number of ${dtype}`;
      const arrays = bodies.map((body) => arrayFromBytes(dtype, body));
      const total = bytesOf(reduceArrays(arrays, dtype, op));
      if (name === 'allReduce') return () => total;
      const part = total.length / bodies.length;
      if (part % byteSize(dtype) !== 0)
        return `${name}: ${length} bytes of ${dtype} cannot be divided between ${bodies.length} ranks`;
      return (rank) => total.subarray(rank * part, (rank + 1) * part);
    }
  }
}
