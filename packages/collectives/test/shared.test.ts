import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { HostCollectives } from '@omma/core';
import { afterEach, describe, expect, it } from 'vitest';
import { connectShared, sharedMemoryAvailable } from '../src/index.ts';
import { everyRank, itCollects, itIsAnEngine, rendezvous } from './support/ranks.ts';

const available = sharedMemoryAvailable();
if (available !== true) process.stderr.write(`skipped: shared memory: ${available}\n`);

const open: HostCollectives[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.dispose();
});

async function ranks(size: number, timeout = 60_000): Promise<HostCollectives[]> {
  const all = await everyRank(rendezvous(size), async (group) => {
    const connected = await connectShared(group, timeout);
    if (typeof connected === 'string') throw new Error(connected);
    return connected;
  });
  open.push(...all);
  return all;
}

describe.skipIf(available !== true)('shared memory', () => {
  itCollects(ranks);
  itIsAnEngine('shm', ranks);

  it('ranks that call different collectives are told both calls', async () => {
    const all = await ranks(2, 60_000);
    const results = await Promise.allSettled(
      all.map((one) =>
        one.rank === 0
          ? one.allReduce(new Float32Array(3), 'float32', 'max')
          : one.allGather(new Float32Array(2), 'float32'),
      ),
    );
    const reasons = results.map((result) => (result.status === 'rejected' ? String(result.reason) : ''));
    // Who notices second may hear that the other has left.
    expect(reasons.join('\n')).toMatch(/rank 0 calls allReduce of 3 float32 by max/);
    expect(reasons.join('\n')).toMatch(/rank 1 calls allGather of 8 bytes/);
    for (const reason of reasons) expect(reason).toMatch(/different collectives|has left the run/);
  });

  it('a rank of another machine, which does not find the memory, sends all of them another way', async () => {
    const [here, there] = rendezvous(2);
    if (here === undefined || there === undefined) throw new Error('no groups');
    const elsewhere = { ...there, get: (key: string) => (key === 'shm/name' ? nowhere : there.get(key)) };
    const results = await everyRank([here, elsewhere], (group) => connectShared(group, 1000));
    for (const result of results)
      expect(result).toMatch(/^rank 1 has no part in shared memory: .*cannot open/);
  });

  it.runIf(process.platform === 'linux')('leaves no name behind', async () => {
    const groups = rendezvous(2);
    await everyRank(groups, (group) => connectShared(group, 1000));
    const name = Buffer.from((await groups[0]?.get('shm/name')) ?? []).toString();
    expect(name).toMatch(/^\/omma-[0-9a-f]{24}$/);
    expect(readdirSync('/dev/shm')).not.toContain(name.slice(1));
  });

  it.runIf(process.platform === 'linux')('leaves no name behind when the process ends too early', () => {
    const names = () => readdirSync('/dev/shm').filter((name) => name.startsWith('omma-'));
    const before = names();
    const module = new URL('../dist/index.js', import.meta.url).href;
    const program = `
      import { readdirSync } from 'node:fs';
      import { connectShared } from ${JSON.stringify(module)};
      const never = () => new Promise(() => undefined);
      void connectShared({ rank: 0, size: 2, set: never, get: never }, 1000);
      console.log(readdirSync('/dev/shm').filter((name) => name.startsWith('omma-')).join(' '));
      process.exit(0);`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const during = run.stdout.trim().split(' ');
    const made = during.filter((name) => !before.includes(name));
    expect(made).not.toEqual([]);
    for (const name of made) expect(names()).not.toContain(name);
  });
});

const nowhere = Promise.resolve(new Uint8Array(Buffer.from('/omma-none')));
