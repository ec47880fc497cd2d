/**
 * That all ranks have the same numbers: rank 0's are given to all at the start, and hashes are compared, because ranks that have drifted
 * apart still train, only to something else than what is saved.
 */

import { createHash } from 'node:crypto';
import { bytesOf, type Communicator, OmmaError, type Variable } from '@omma/core';
import type { ProcessGroup } from './processGroup.ts';
import { allGatherText } from './text.ts';

/** Overwrites the variables of every rank with those of rank 0, on the communicator's device. */
export async function broadcastVariables(
  communicator: Communicator,
  variables: readonly Variable[],
): Promise<void> {
  for (const variable of variables) {
    await communicator.broadcast(await variable.bufferOn(communicator.device), 0);
  }
  await communicator.device.synchronize();
}

/** Compares the variables of all ranks bit by bit, by hash. OmmaError names the first that differs and the ranks that have it otherwise. */
export async function checkEqual(
  group: ProcessGroup,
  variables: readonly Variable[],
  when: string,
): Promise<void> {
  const hashes: Record<string, string> = {};
  for (const variable of variables) {
    const { data } = await variable.download();
    hashes[variable.name] = createHash('sha256').update(bytesOf(data)).digest('hex');
  }
  const own = createHash('sha256').update(JSON.stringify(hashes)).digest();
  const all = bytesOf(await group.allGather(new Uint8Array(own), 'uint8'));
  const same = Array.from({ length: group.size }, (_, rank) =>
    own.equals(all.subarray(rank * own.length, (rank + 1) * own.length)),
  ).every(Boolean);
  // The decision must be the same everywhere: some rank may see only its own copy differ.
  const [different = 0] = await group.allReduce(Int32Array.of(same ? 0 : 1), 'int32', 'sum');
  if (different === 0) return;
  const texts = await allGatherText(group, JSON.stringify(hashes));
  const [first, ...rest] = texts.map((text): Record<string, string> => JSON.parse(text));
  const name = Object.keys(first ?? {}).find((key) => rest.some((other) => other[key] !== first?.[key]));
  const ranks = rest.flatMap((other, i) =>
    name !== undefined && other[name] !== first?.[name] ? [i + 1] : [],
  );
  throw new OmmaError(
    `distributed: ${name ?? 'the list of variables'} differs ${when} between rank 0 and rank ${ranks.join(', ')}; the ranks do not run the same ` +
      'program, or a collective gave them different numbers',
  );
}
