/**
 * Shared memory: collectives between processes of one machine. Nobody need know where a rank runs: rank 0 makes the memory and says its name over the
 * `Rendezvous`, and who can open it is on the same machine.
 */

import { randomUUID } from 'node:crypto';
import type { HostCollectives, Rendezvous } from '@omma/core';
import { loadAddon, type NativeEngine, type SharedBinding } from './binding.ts';
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
  // At most 31 characters, for macOS.
  const made = rank === 0 ? `/omma-${randomUUID().replaceAll('-', '').slice(0, 24)}` : null;
  const own = made === null ? null : opened(group, timeout, made);
  const end = () => {
    if (made !== null) ended(made);
  };
  // A process that ends while it waits for the others leaves no name behind either.
  process.once('exit', end);
  try {
    if (made !== null) await group.set('shm/name', encode(typeof own === 'string' ? '' : made));
    const mine = own ?? opened(group, timeout, decode(await group.get('shm/name')));
    await group.set(key(rank), encode(typeof mine === 'string' ? mine : ''));
    const ranks = Array.from({ length: size }, (_, other) => other);
    const reasons = (await Promise.all(ranks.map((other) => group.get(key(other))))).map(decode);
    const without = reasons.findIndex((reason) => reason !== '');
    if (without === -1 && typeof mine !== 'string') return new EngineCollectives('shm', rank, size, mine);
    return `rank ${without} has no part in shared memory: ${reasons[without]}`;
  } finally {
    process.off('exit', end);
    end();
  }
}

/** This rank's engine, or why it has none. Rank 0 makes the memory, which is nobody's when `name` is empty. */
function opened({ rank, size }: Rendezvous, timeout: number, name: string): NativeEngine | string {
  const found = binding();
  if (typeof found === 'string') return found;
  if (name === '') return 'rank 0 has not made it';
  try {
    return new found.Shared(rank, size, timeout, name, rank === 0);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The memory loses its name: it goes when the last process ends that has opened it, however that ends. */
function ended(name: string): void {
  const found = binding();
  if (typeof found !== 'string') found.unlink(name);
}

const key = (rank: number) => `shm/opened/${rank}`;
const encode = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));
const decode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
