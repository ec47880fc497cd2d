/** Which collective engine ranks get, what they are told when it is not the fastest, and when a rank is lost. */

import { glooAvailable, sharedMemoryAvailable } from '@omma/collectives';
import { device, OmmaError } from '@omma/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { everyRank } from '../../../collectives/test/support/ranks.ts';
import { connectDevice } from '../../src/distributed/connect.ts';
import { Distributed } from '../../src/distributed/distributed.ts';
import type { Backend } from '../../src/distributed/environment.ts';
import type { Loss } from '../../src/distributed/messages.ts';
import { ProcessGroup } from '../../src/index.ts';
import { environment, freePort } from './support/ports.ts';

const missing = [sharedMemoryAvailable(), glooAvailable()].find((reason) => reason !== true);
if (missing !== undefined) process.stderr.write(`skipped: engines of ranks: ${missing}\n`);

const open: { dispose(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.dispose();
});

/** Two ranks of this machine of which the second does not find the shared memory; `machines` is where rank 0 sees them. */
async function withoutMemory(backend: Backend, machines: readonly string[]) {
  const port = await freePort();
  const groups = await everyRank([0, 1], (rank) => ProcessGroup.join(environment(rank, 2, port)));
  open.push(...groups);
  return everyRank(groups, async (group) => {
    vi.spyOn(group, 'addresses', 'get').mockReturnValue(machines);
    const get = group.get.bind(group);
    const nowhere = new Uint8Array(Buffer.from('/proc/self/fd/999999 omma-none'));
    vi.spyOn(group, 'get').mockImplementation((key) =>
      key === 'shm/place' ? Promise.resolve(nowhere) : get(key),
    );
    const job = { host: null, environment: environment(group.rank, 2, port, { backend }), warning: null };
    const { communicator, warning } = await connectDevice(device('reference'), group, job);
    open.unshift(communicator);
    return { name: communicator.name, warning };
  });
}

describe.skipIf(missing !== undefined)('ranks without shared memory', () => {
  it('of one machine take Gloo, and are told why', async () => {
    for (const { name, warning } of await withoutMemory('auto', ['127.0.0.1', '127.0.0.1'])) {
      expect(name).toBe('gloo');
      expect(warning).toMatch(/^collectives go over Gloo, which is slower .*rank 1 .*cannot open \/proc/);
    }
  });

  it('of two machines, or who asked for Gloo, take it without a word', async () => {
    const gloo = { name: 'gloo', warning: null };
    expect(await withoutMemory('auto', ['10.0.0.1', '10.0.0.2'])).toEqual([gloo, gloo]);
    expect(await withoutMemory('gloo', ['127.0.0.1', '127.0.0.1'])).toEqual([gloo, gloo]);
  });

  it('that must have it, by OMMA_DIST_BACKEND, end with the reason', async () => {
    await expect(withoutMemory('shm', ['127.0.0.1', '127.0.0.1'])).rejects.toThrow(
      /^distributed: OMMA_DIST_BACKEND is shm, but rank 1 has no part in shared memory: /,
    );
  });
});

describe.skipIf(missing !== undefined)('a rank that is lost', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** Two ranks on Gloo, and how the group hears of rank 1's death: later than whoever talks to it. */
  async function two() {
    const listeners: ((loss: Loss) => void)[] = [];
    const original = ProcessGroup.prototype.onFailure;
    vi.spyOn(ProcessGroup.prototype, 'onFailure').mockImplementation(function (this: ProcessGroup, listener) {
      if (this.rank === 0) listeners.push(listener);
      return original.call(this, listener);
    });
    const port = await freePort();
    const start = (rank: number) =>
      Distributed.start(environment(rank, 2, port, { backend: 'gloo' }), device('reference'));
    const die = () => {
      for (const listener of listeners) listener({ reason: 'rank 1 is gone: its process ended', lost: [1] });
    };
    return { start, die };
  }

  it('is named also when its connection breaks before the group knows of it', async () => {
    const { start, die } = await two();
    const ranks = await everyRank([0, 1], start);
    open.push(...ranks);
    const [first] = ranks;
    if (first === undefined) throw new Error('no rank');
    vi.spyOn(first.communicator, 'failure').mockResolvedValue('gloo: connection reset');
    const broken = Promise.reject(new OmmaError('distributed: allReduce by gloo: connection reset'));
    setTimeout(die, 20);
    await expect(first.guard(broken)).rejects.toThrow(/^distributed: rank 1 is gone: its process ended; /);
    expect(first.lost).toEqual([1]);
  });

  it('and while the ranks connect', async () => {
    const { start, die } = await two();
    vi.spyOn(ProcessGroup.prototype, 'set').mockImplementation(async function (this: ProcessGroup) {
      if (this.rank === 0) setTimeout(die, 20);
      throw new OmmaError('connection reset');
    });
    const [first, second] = await Promise.allSettled([0, 1].map(start));
    expect(first).toMatchObject({
      reason: { message: 'distributed: rank 1 is gone: its process ended; the run ends here' },
    });
    // Whose group knows of nothing.
    expect(second).toMatchObject({ reason: { message: 'connection reset' } });
  });
});
