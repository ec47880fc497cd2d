import { connect, createServer } from 'node:net';
import { OmmaError } from '@omma/core';
import { afterEach, describe, expect, it } from 'vitest';
import { everyRank, itCollects } from '../../../collectives/test/support/ranks.ts';
import { distributedEnvironment, ProcessGroup, threadsOfRank } from '../../src/index.ts';
import { environment, freePort } from './support/ports.ts';

const open: ProcessGroup[] = [];

afterEach(async () => {
  for (const group of open.splice(0)) await group.dispose();
});

/** All ranks of a group, in this process. */
async function groups(size: number, times = {}): Promise<ProcessGroup[]> {
  const port = await freePort();
  const joined = await Promise.all(
    Array.from({ length: size }, (_, rank) => ProcessGroup.join(environment(rank, size, port, times))),
  );
  open.push(...joined);
  return joined;
}

describe('a process group', () => {
  it('hands bytes from one rank to those that wait for them, before and after they are set', async () => {
    const [a, b, c] = await groups(3);
    if (a === undefined || b === undefined || c === undefined) throw new Error('no groups');
    const early = b.get('root');
    await a.set('root', Uint8Array.of(1, 2, 3));
    expect([...(await early)]).toEqual([1, 2, 3]);
    expect([...(await c.get('root'))]).toEqual([1, 2, 3]);
  });

  itCollects(groups);

  it('sums in rank order, whoever comes first', async () => {
    const all = await groups(3);
    // (1e8 + 1) - 1e8 is 0 in float32, (1e8 - 1e8) + 1 would be 1.
    const values = [1e8, 1, -1e8];
    for (let turn = 0; turn < 3; turn++) {
      const results = await everyRank(all, async (group) => {
        await new Promise((resolve) => setTimeout(resolve, ((group.rank + turn) % 3) * 10));
        return group.allReduce(Float32Array.of(values[group.rank] ?? 0), 'float32', 'sum');
      });
      expect(results.map(([value]) => value)).toEqual([0, 0, 0]);
    }
  });

  it('may be left in any order when all have finished', async () => {
    for (const leaver of [0, 1]) {
      const all = await groups(2);
      const failures: string[] = [];
      for (const group of all) group.onFailure(({ reason }) => failures.push(reason));
      await everyRank(all, async (group) => {
        await group.finish();
        if (group.rank === leaver) await group.dispose();
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(failures).toEqual([]);
    }
  });

  it('carries megabytes', async () => {
    const all = await groups(2);
    const size = 3_000_001;
    const results = await everyRank(all, (group) =>
      group.allReduce(new Float32Array(size).fill(group.rank + 1), 'float32', 'sum'),
    );
    for (const result of results) expect([result.length, result[0], result[size - 1]]).toEqual([size, 3, 3]);
  });
});

describe('trouble', () => {
  it('a rank that leaves gives the others an error at once, now and later', async () => {
    const [a, b] = await groups(2, { collectiveTimeout: 60_000 });
    const waiting = a?.barrier();
    const told = new Promise((resolve) => a?.onFailure(resolve));
    await b?.dispose();
    await expect(waiting).rejects.toThrow('distributed: rank 1 has left the run');
    await expect(a?.get('x')).rejects.toThrow(OmmaError);
    expect(await told).toEqual({ reason: 'rank 1 has left the run', lost: [] });
    expect(await a?.failure()).toBe('rank 1 has left the run');
  });

  it('rank 0 that leaves is named too', async () => {
    const [a, b] = await groups(2);
    const waiting = b?.get('never');
    await a?.dispose();
    await expect(waiting).rejects.toThrow(/rank 0 has left the run/);
  });

  it('a collective that one rank does not call ends after the timeout and names that rank', async () => {
    const [a] = await groups(2, { collectiveTimeout: 100 });
    await expect(a?.barrier()).rejects.toThrow(/barrier \(collective 0\) waited 0\.1 s for rank 1/);
  });

  it('a key that nobody sets ends after the timeout and names the key', async () => {
    const [, b] = await groups(2, { collectiveTimeout: 100 });
    await expect(b?.get('root info')).rejects.toThrow(/rank 1 waited 0\.1 s for root info/);
  });

  it('ranks that call different things are told so', async () => {
    const [a, b] = await groups(2);
    const message =
      'distributed: the ranks disagree: rank 0 calls allReduce of 16 bytes of float32 by sum where rank 1 calls broadcast of 16 bytes of float32 from rank 0';
    await Promise.all([
      expect(a?.allReduce(new Float32Array(4), 'float32', 'sum')).rejects.toThrow(message),
      expect(b?.broadcast(new Float32Array(4), 'float32', 0)).rejects.toThrow(message),
    ]);
  });

  it('a rank that never comes is named', async () => {
    const port = await freePort();
    const alone = ProcessGroup.join(environment(0, 3, port, { connectTimeout: 200 }));
    await expect(alone).rejects.toThrow(/waited 0\.2 s for rank 1, 2 to join; start 3 processes/);
  });

  it('no rank 0 is said so', async () => {
    const port = await freePort();
    await expect(ProcessGroup.join(environment(1, 2, port, { connectTimeout: 120 }))).rejects.toThrow(
      /cannot reach rank 0 at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/,
    );
  });

  it('a port that is taken is said so', async () => {
    const port = await freePort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await expect(ProcessGroup.join(environment(0, 2, port))).rejects.toThrow(/cannot listen .*EADDRINUSE/);
    await new Promise((resolve) => server.close(resolve));
  });

  it('a process of another run, a second one of a rank, and a stranger are refused; the group goes on', async () => {
    const port = await freePort();
    const first = ProcessGroup.join(environment(0, 2, port));
    await expect(ProcessGroup.join(environment(1, 3, port))).rejects.toThrow(/WORLD_SIZE 3 but rank 0 has 2/);
    const stranger = connect({ host: '127.0.0.1', port });
    stranger.on('error', () => undefined);
    const refused = new Promise((resolve) => stranger.once('close', resolve));
    stranger.write('GET / HTTP/1.1\r\nHost: somewhere.example\r\n\r\n');
    await refused;
    const joined = await Promise.all([first, ProcessGroup.join(environment(1, 2, port))]);
    open.push(...joined);
    await expect(ProcessGroup.join(environment(1, 2, port))).rejects.toThrow(
      /there is a rank 1 of 2 already/,
    );
    await everyRank(joined, (group) => group.barrier());
  });
});

describe('the environment', () => {
  const full = { RANK: '1', WORLD_SIZE: '4', LOCAL_RANK: '0', MASTER_ADDR: 'host', MASTER_PORT: '29500' };

  it("is torchrun's", () => {
    expect(distributedEnvironment(full)).toEqual({
      launcher: 'torchrun',
      rank: 1,
      size: 4,
      localRank: 0,
      address: 'host',
      port: 29500,
      connectTimeout: 120_000,
      collectiveTimeout: 600_000,
      backend: 'auto',
      elastic: true,
      reformTimeout: 20_000,
    });
  });

  it("may be of Ascend's launchers", () => {
    const env = { RANK_ID: '3', RANK_SIZE: '4', ASCEND_DEVICE_ID: '2', MASTER_PORT: '1' };
    expect(distributedEnvironment(env)).toMatchObject({
      rank: 3,
      size: 4,
      localRank: 2,
      address: '127.0.0.1',
    });
  });

  it("may be of mpirun or srun, which give Slurm's first host and MMEngine's port", () => {
    const mpi = {
      OMPI_COMM_WORLD_SIZE: '2',
      OMPI_COMM_WORLD_LOCAL_SIZE: '2',
      OMPI_COMM_WORLD_RANK: '1',
      OMPI_COMM_WORLD_LOCAL_RANK: '1',
    };
    const place = { rank: 1, size: 2, localRank: 1, port: 29500 };
    expect(distributedEnvironment(mpi)).toMatchObject({ ...place, launcher: 'mpi', address: '127.0.0.1' });
    const slurm = {
      SLURM_STEP_NUM_TASKS: '4',
      SLURM_PROCID: '3',
      SLURM_LOCALID: '1',
      SLURM_STEP_NODELIST: 'gpu[03-04,7],login',
    };
    expect(distributedEnvironment(slurm)).toMatchObject({
      launcher: 'slurm',
      rank: 3,
      size: 4,
      localRank: 1,
      address: 'gpu03',
      port: 29500,
    });
    // A batch script is no task of its job.
    expect(distributedEnvironment({ SLURM_NTASKS: '4', SLURM_PROCID: '0' })).toBeNull();
    expect(() => distributedEnvironment({ ...slurm, SLURM_STEP_NODELIST: '' })).toThrow(
      /MASTER_ADDR is not set/,
    );
  });

  it.each([
    ['torchrun', { WORLD_SIZE: '4', LOCAL_WORLD_SIZE: '2' }, 4],
    ['mpirun that binds to nothing', { OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_LOCAL_SIZE: '4' }, 2],
    ['srun', { SLURM_STEP_NUM_TASKS: '7', SLURM_STEP_TASKS_PER_NODE: '2(x3),1' }, 4],
    ['more ranks than processors', { WORLD_SIZE: '16', LOCAL_WORLD_SIZE: '16' }, 1],
    ['omma launch, which says it', { WORLD_SIZE: '2', LOCAL_WORLD_SIZE: '2', OMMA_NUM_THREADS: '3' }, null],
    ['one rank a machine', { WORLD_SIZE: '2', LOCAL_WORLD_SIZE: '1' }, null],
    ['a launcher that does not tell', { WORLD_SIZE: '2' }, null],
    ['no launcher', {}, null],
  ])('of %s shares 8 processors between the ranks of a machine', (_, env, threads) => {
    expect(threadsOfRank(env, 8, 8)).toBe(threads);
  });

  it('shares what a container has, but not the processors that a launcher has bound a rank to', () => {
    expect(threadsOfRank({ WORLD_SIZE: '2', LOCAL_WORLD_SIZE: '2' }, 4, 8)).toBe(2);
    expect(threadsOfRank({ OMPI_COMM_WORLD_SIZE: '2', OMPI_COMM_WORLD_LOCAL_SIZE: '2' }, 4, 8)).toBeNull();
    expect(threadsOfRank({ SLURM_STEP_NUM_TASKS: '2', SLURM_STEP_TASKS_PER_NODE: '2' }, 4, 8)).toBeNull();
  });

  it('of a single process is none', () => {
    expect(distributedEnvironment({})).toBeNull();
    expect(distributedEnvironment({ ...full, WORLD_SIZE: '1', RANK: '0' })).toBeNull();
  });

  it.each([
    [{ RANK: '4' }, /RANK must be a whole number from 0 to 3 but is "4"/],
    [{ RANK: '' }, /WORLD_SIZE is 4 but RANK is not set/],
    [{ MASTER_PORT: '70000' }, /MASTER_PORT must be a whole number from 1 to 65535/],
    [{ WORLD_SIZE: 'two' }, /WORLD_SIZE must be a whole number/],
  ])('with %o is refused', (change, message) => {
    expect(() => distributedEnvironment({ ...full, ...change })).toThrow(message);
  });
});
