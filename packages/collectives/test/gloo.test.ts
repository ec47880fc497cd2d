import type { HostCollectives } from '@omma/core';
import { afterEach, describe, expect, it } from 'vitest';
import { connectGloo, glooAvailable } from '../src/index.ts';
import { everyRank, itCollects, itIsAnEngine, rendezvous } from './support/ranks.ts';

const available = glooAvailable();
if (available !== true) process.stderr.write(`skipped: Gloo: ${available}\n`);

const open: HostCollectives[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.dispose();
});

async function ranks(size: number, timeout = 60_000): Promise<HostCollectives[]> {
  const all = await everyRank(rendezvous(size), (group) =>
    connectGloo(group, { host: '127.0.0.1', timeout }),
  );
  open.push(...all);
  return all;
}

describe.skipIf(available !== true)('Gloo', () => {
  itCollects(ranks);
  itIsAnEngine('gloo', ranks);

  it('what another rank has written where addresses belong is refused', async () => {
    const [group] = rendezvous(2);
    if (group === undefined) throw new Error('no group');
    await group.set('gloo/addresses/1', Uint8Array.of(1, 2, 3));
    await expect(connectGloo(group, { host: '127.0.0.1', timeout: 1000 })).rejects.toThrow(
      /the addresses of rank 1 are no addresses of Gloo/,
    );
  });

  it('an address that this machine does not have is said so', async () => {
    const [group] = rendezvous(2);
    if (group === undefined) throw new Error('no group');
    await expect(connectGloo(group, { host: '203.0.113.7', timeout: 1000 })).rejects.toThrow(
      /Gloo on rank 0, which listens on 203\.0\.113\.7, does not start/,
    );
  });
});
