/** Text between ranks, over a process group: things of different length on each rank, which arrays are not. */

import { bytesOf } from '@omma/core';
import type { ProcessGroup } from './processGroup.ts';

/** The texts of all ranks, in rank order. */
export async function allGatherText(group: ProcessGroup, text: string): Promise<string[]> {
  const own = Buffer.from(text, 'utf8');
  const lengths = await group.allGather(Int32Array.of(own.length), 'int32');
  const longest = Math.max(...lengths);
  const padded = new Uint8Array(longest);
  padded.set(own);
  const all = Buffer.from(bytesOf(await group.allGather(padded, 'uint8')));
  return Array.from(lengths, (length, rank) => all.toString('utf8', rank * longest, rank * longest + length));
}

/** The text of rank 0, on every rank. */
export async function broadcastText(group: ProcessGroup, text: string): Promise<string> {
  const own = Buffer.from(text, 'utf8');
  const [length = 0] = await group.broadcast(Int32Array.of(own.length), 'int32', 0);
  const sent = new Uint8Array(length);
  if (group.rank === 0) sent.set(own);
  return Buffer.from(bytesOf(await group.broadcast(sent, 'uint8', 0))).toString('utf8');
}
