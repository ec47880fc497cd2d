/** Gloo: collectives over TCP between processes of one or several machines. The ranks find each other over a `Rendezvous`. */

import { type HostCollectives, OmmaError, type Rendezvous } from '@omma/core';
import { type GlooBinding, loadAddon } from './binding.ts';
import { EngineCollectives } from './engine.ts';

export interface GlooOptions {
  /** The address of this machine that the other ranks reach. */
  readonly host: string;
  /** Milliseconds until a rank that does not take part in a collective is an error. */
  readonly timeout: number;
}

const binding = () => loadAddon<GlooBinding>('gloo', 'libgloo-dev');

/** True, or in one line why Gloo cannot be used on this machine and what to do about it. */
export function glooAvailable(): true | string {
  const found = binding();
  return typeof found === 'string' ? found : true;
}

/** Connects the processes of `group` by Gloo; every rank must call it. OmmaError where the addon is missing or a rank cannot be reached. */
export async function connectGloo(
  group: Rendezvous,
  { host, timeout }: GlooOptions,
): Promise<HostCollectives> {
  const found = binding();
  if (typeof found === 'string') throw new OmmaError(`gloo: ${found}`);
  const { rank, size } = group;
  try {
    const gloo = new found.Gloo(rank, size, timeout, host);
    await group.set(keyOf(rank), gloo.addresses());
    const ranks = Array.from({ length: size }, (_, other) => other);
    await gloo.connect(await Promise.all(ranks.map((other) => group.get(keyOf(other)))));
    return new EngineCollectives('gloo', rank, size, gloo);
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(
      `distributed: Gloo on rank ${rank}, which listens on ${host}, does not start: ${reason}`,
      {
        cause: error,
      },
    );
  }
}

function keyOf(rank: number): string {
  return `gloo/addresses/${rank}`;
}
