/** Two hosts, as two network namespaces of this machine, and Open MPI jobs: ranks that others than `omma launch` start. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@omma/cpu';
import { glooAvailable, mpiAvailable } from '@omma/collectives';
import { deviceFactories } from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { listCheckpoints } from '../../src/index.ts';
import { type Hosts, twoHosts } from './support/hosts.ts';
import { rankProgram, trainProcesses } from './support/processes.ts';

const cpu =
  deviceFactories()
    .find(({ name }) => name === 'cpu')
    ?.available() ?? 'the device cpu is unknown';
const temporary = () => mkdtemp(join(tmpdir(), 'omma-hosts-'));

const withoutHosts = [cpu, glooAvailable()].filter((reason) => reason !== true).join('; ');
const hosts = withoutHosts === '' ? twoHosts(process.pid % 256) : withoutHosts;
afterAll(() => {
  if (typeof hosts !== 'string') hosts.remove();
});

/** They would find each other's shared memory, which real hosts do not. */
const overNetwork = { OMMA_DIST_BACKEND: 'gloo' };

const onHosts = ({ names, address }: Hosts) => ({
  prefix: (rank: number) => ['ip', 'netns', 'exec', names[rank === 0 ? 0 : 1]],
  masterAddr: address,
});

if (typeof hosts === 'string') {
  it('training on two hosts is not tested here', ({ skip }) => skip(hosts));
} else {
  describe('two hosts', { timeout: 120_000 }, () => {
    it('train as two processes of one host do', async () => {
      const [here] = await trainProcesses(await temporary(), 2, 4);
      const ranks = await trainProcesses(await temporary(), 2, 4, { ...onHosts(hosts), env: overNetwork });
      for (const rank of ranks) expect(rank).toMatchObject({ code: 0, name: 'gloo', losses: here?.losses });
    });

    it('that lose each other: rank 0 goes on alone, the other ends with a message', async () => {
      const workDir = await temporary();
      const env = {
        ...overNetwork,
        OMMA_TEST_EPOCHS: '8',
        OMMA_COLLECTIVE_TIMEOUT: '2',
        OMMA_REFORM_TIMEOUT: '2',
      };
      const watch = () => {
        const timer = setInterval(async () => {
          if ((await listCheckpoints(workDir)).length === 0) return;
          clearInterval(timer);
          hosts.cut();
        }, 10);
      };
      const [first, second] = await trainProcesses(workDir, 2, 4, { ...onHosts(hosts), env, watch });
      expect(first).toMatchObject({ code: 0, name: null });
      expect(first?.messages.join('\n')).toMatch(/rank 1 of 2 is lost; the one that is left goes on/);
      expect(second?.code).toBe(1);
      // Whichever comes first: the connection that breaks, or the answer that does not come.
      expect(second?.err).toMatch(/^OmmaError: distributed: rank 0 .*cannot be reached/m);
    });
  });
}

interface Job {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Two ranks under mpirun; root needs two consents. */
function mpirun(workDir: string, env: NodeJS.ProcessEnv, watch: (job: ChildProcess) => void): Promise<Job> {
  const child = spawn(
    'mpirun',
    // How long mpirun gives those that are left; its one second is short on a busy machine.
    [
      '-n',
      '2',
      '--oversubscribe',
      '--mca',
      'odls_base_sigkill_timeout',
      '4',
      process.execPath,
      rankProgram,
      workDir,
      'cpu',
      '4',
    ],
    {
      env: {
        ...process.env,
        OMMA_NUM_THREADS: '1',
        OMPI_ALLOW_RUN_AS_ROOT: '1',
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  watch(child);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

const withoutMpi = [cpu, mpiAvailable()].filter((reason) => reason !== true).join('; ');

describe.skipIf(withoutMpi !== '')('two ranks that mpirun starts', { timeout: 120_000 }, () => {
  it('find each other by MPI and train as those of omma launch do', async () => {
    const [here] = await trainProcesses(await temporary(), 2, 4);
    const { code, out, err } = await mpirun(await temporary(), {}, () => undefined);
    expect([code, err]).toEqual([0, '']);
    const said = out.trim().split('\n');
    expect(said).toHaveLength(2);
    for (const line of said) expect(JSON.parse(line)).toMatchObject({ name: 'mpi', losses: here?.losses });
  });

  it('end when one of them is killed, within seconds, with its name and the checkpoint to go on from', async () => {
    const workDir = await temporary();
    let killed = 0;
    const job = await mpirun(workDir, { OMMA_TEST_EPOCHS: '100000' }, (child) => {
      const timer = setInterval(async () => {
        if (killed > 0 || (await listCheckpoints(workDir)).length === 0) return;
        killed = performance.now();
        clearInterval(timer);
        process.kill(await rankOf(child, 1), 'SIGKILL');
      }, 20);
    });
    expect(job.code).not.toBe(0);
    expect(job.err).toMatch(/rank 1 .*exited on signal 9/);
    expect(job.err).toMatch(
      /rank 1 is gone: .*; the same command with --resume goes on from .*\.safetensors/,
    );
    expect((performance.now() - killed) / 1000).toBeLessThan(30);
  });
});

/** The process of a rank below `mpirun`. */
async function rankOf(job: ChildProcess, rank: number): Promise<number> {
  const children = await readFile(`/proc/${job.pid}/task/${job.pid}/children`, 'utf8');
  const pids = children.trim().split(' ').map(Number);
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    if (environment.split('\0').includes(`OMPI_COMM_WORLD_RANK=${rank}`)) return pid;
  }
  throw new Error(`no process of rank ${rank}`);
}

it.runIf(withoutMpi !== '')('training under mpirun is not tested here', ({ skip }) => skip(withoutMpi));
