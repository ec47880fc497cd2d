/**
 * Shared memory: collectives between processes of one machine. Nobody need know where a rank runs: rank 0 makes the memory and says over the `Rendezvous` where
 * it is, and who can open it is on the same machine.
 */

import { randomUUID } from 'node:crypto';
import type { HostCollectives, Rendezvous } from '@omma/core';
import { loadAddon, type NativeShared, type SharedBinding } from './binding.ts';
import { EngineCollectives } from './engine.ts';

const binding = () => loadAddon<SharedBinding>('shared');

/** True, or in one line why shared memory cannot be used by this process and what to do about it. */
export function sharedMemoryAvailable(): true | string {
  const found = binding();
  return typeof found === 'string' ? found : true;
}

/**
 * Connects the processes of `group` through shared memory; every rank must call it. Where one of them cannot, having no addon or being on another machine, all get
 * the reason in a line. `timeout`: milliseconds until a rank that does not take part in a collective is an error.
 */
export async function connectShared(group: Rendezvous, timeout: number): Promise<HostCollectives | string> {
  const { rank, size } = group;
  const name = `omma-${randomUUID()}`;
  const made = rank === 0 ? opened(group, timeout, name) : null;
  try {
    if (made !== null)
      await group.set('shm/place', encode(typeof made === 'string' ? '' : `${made.place()} ${name}`));
    const mine = made ?? found(group, timeout, decode(await group.get('shm/place')));
    await group.set(key(rank), encode(typeof mine === 'string' ? mine : ''));
    const ranks = Array.from({ length: size }, (_, other) => other);
    const reasons = (await Promise.all(ranks.map((other) => group.get(key(other))))).map(decode);
    const without = reasons.findIndex((reason) => reason !== '');
    if (without === -1 && typeof mine !== 'string')
      return new EngineCollectives('shm', rank, size, mine, true);
    return `rank ${without} has no part in shared memory: ${reasons[without]}`;
  } finally {
    if (made !== null && typeof made !== 'string') made.close();
  }
}

/** This rank's engine in the memory that rank 0 has made, or why it has none; `said` is what rank 0 says of it. */
function found(group: Rendezvous, timeout: number, said: string): NativeShared | string {
  const [place, name] = said.split(' ');
  if (place === undefined || name === undefined) return 'rank 0 has not made it';
  return opened(group, timeout, name, place);
}

/** This rank's engine, or why it has none, in memory that is made here unless it is at `place`. */
function opened(
  { rank, size }: Rendezvous,
  timeout: number,
  name: string,
  place?: string,
): NativeShared | string {
  const addon = binding();
  if (typeof addon === 'string') return addon;
  try {
    return new addon.Shared(rank, size, timeout, name, place);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const key = (rank: number) => `shm/opened/${rank}`;
const encode = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));
const decode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
