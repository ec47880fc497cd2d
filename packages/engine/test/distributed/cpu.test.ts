/** Data parallel training on the CPU device, a process a rank, with gradients summed in shared memory, by Gloo, or over plain TCP. */

import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@omma/cpu';
import { glooAvailable, sharedMemoryAvailable } from '@omma/collectives';
import { deviceFactories } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { listCheckpoints, loadCheckpoint } from '../../src/index.ts';
import { distance, expectOneCurve, trainProcesses } from './support/processes.ts';

const cpu =
  deviceFactories()
    .find(({ name }) => name === 'cpu')
    ?.available() ?? 'the device cpu is unknown';
const reasons = [cpu, sharedMemoryAvailable(), glooAvailable()].filter((reason) => reason !== true);
const missing = reasons.length === 0 ? null : reasons.join('; ');
const temporary = () => mkdtemp(join(tmpdir(), 'omma-cpu-train-'));

/** Twelve steps whose gradients are sums over up to 8 samples of 64 pixels, in another order: 2^-24 times the root of the terms each. */
const float32Noise = 12 * 2 ** -24 * Math.sqrt(8 * 64);

/** Does something to one process when the run has written its first checkpoint. */
function afterCheckpoint(workDir: string, rank: number, signal: NodeJS.Signals) {
  return (children: readonly ChildProcess[]) => {
    let done = false;
    const timer = setInterval(async () => {
      if (done || (await listCheckpoints(workDir)).length === 0) return;
      done = true;
      clearInterval(timer);
      children[rank]?.kill(signal);
    }, 20);
    // A stopped process ends with the others.
    for (const [other, child] of children.entries()) {
      if (other !== rank) child.once('close', () => children[rank]?.kill('SIGKILL'));
    }
  };
}

describe.skipIf(missing !== null)('ranks on the CPU device', { timeout: 120_000 }, () => {
  it.each([
    ['shm', 'group norm', {}],
    ['shm', 'synchronised batch norm', { OMMA_TEST_SYNC_BN: '1' }],
    ['gloo', 'group norm', { OMMA_DIST_BACKEND: 'gloo' }],
    ['gloo', 'synchronised batch norm', { OMMA_DIST_BACKEND: 'gloo', OMMA_TEST_SYNC_BN: '1' }],
  ])(
    'give the loss curve and the metrics of one rank with the doubled batch: %s, %s',
    async (name, _, env) => {
      const [whole] = await trainProcesses(await temporary(), 1, 8, { env });
      const ranks = await trainProcesses(await temporary(), 2, 4, { env });
      expect(whole).toMatchObject({ code: 0, name: null });
      expectOneCurve(ranks, whole, name, float32Noise);
    },
  );

  it('give the same with the step cut in two, over plain TCP', async () => {
    const settings = { env: { OMMA_DIST_BACKEND: 'tcp' } };
    const [whole] = await trainProcesses(await temporary(), 1, 8);
    const [rank] = await trainProcesses(await temporary(), 2, 4, settings);
    expect(rank).toMatchObject({ code: 0, name: 'tcp' });
    expect(distance(rank?.losses ?? [], whole?.losses ?? [])).toBeLessThan(float32Noise);
  });

  it.each([
    ['gloo', 3, 1],
    ['shm', 2, 0],
  ])(
    '%s: of %d, rank %d is killed: the others go on from the last checkpoint to the end',
    async (engine, size, killed) => {
      const workDir = await temporary();
      const env = { OMMA_TEST_EPOCHS: '10', OMMA_DIST_BACKEND: engine };
      const watch = afterCheckpoint(workDir, killed, 'SIGKILL');
      const ranks = await trainProcesses(workDir, size, 4, { env, watch });
      expect(ranks[killed]?.signal).toBe('SIGKILL');
      const left = ranks.filter((_, rank) => rank !== killed);
      for (const rank of left) {
        expect(rank).toMatchObject({ code: 0, err: '', name: left.length === 1 ? null : engine });
        expect(rank.messages.join('\n')).toMatch(
          new RegExp(`rank ${killed} of ${size} is lost; the .* (goes|go) on from .*iter_\\d+`),
        );
      }
      const { manifest } = await loadCheckpoint((await listCheckpoints(workDir))[0] ?? '');
      expect(manifest).toMatchObject({ epoch: 10, ranks: left.length });
      expect((await readdir(workDir)).filter((name) => name.includes('.tmp'))).toEqual([]);
    },
  );

  it.each(['shm', 'gloo'])('%s: a rank that hangs is left behind after the timeout', async (engine) => {
    const workDir = await temporary();
    const env = {
      OMMA_DIST_BACKEND: engine,
      OMMA_TEST_EPOCHS: '10',
      OMMA_COLLECTIVE_TIMEOUT: '2',
      OMMA_REFORM_TIMEOUT: '2',
    };
    const watch = afterCheckpoint(workDir, 1, 'SIGSTOP');
    const [first] = await trainProcesses(workDir, 2, 4, { env, watch });
    expect(first).toMatchObject({ code: 0, name: null });
    expect(first?.messages.join('\n')).toMatch(/rank 1 of 2 is lost; the one that is left goes on from/);
  });

  it('OMMA_ELASTIC=off ends the run with the name of the lost rank', async () => {
    const workDir = await temporary();
    const env = { OMMA_TEST_EPOCHS: '100000', OMMA_ELASTIC: 'off' };
    const watch = afterCheckpoint(workDir, 1, 'SIGKILL');
    const [first] = await trainProcesses(workDir, 2, 4, { env, watch });
    expect(first?.code).toBe(1);
    expect(first?.err).toMatch(
      /rank 1 is gone: .*; the run ends here; the same command with --resume goes on from .*iter_\d+\.safetensors/,
    );
  });

  it('a run goes on with another number of ranks, at the same samples', async () => {
    const workDir = await temporary();
    await trainProcesses(workDir, 2, 4, { env: { OMMA_TEST_EPOCHS: '1' } });
    const env = { OMMA_TEST_EPOCHS: '2', OMMA_TEST_RESUME: '1' };
    for (const [size, epochs] of [
      [1, 2],
      [3, 3],
    ] as const) {
      const more = { ...env, OMMA_TEST_EPOCHS: String(epochs) };
      const [first] = await trainProcesses(workDir, size, 4, { env: more });
      expect(first).toMatchObject({ code: 0 });
      // 34 samples: 8 steps of 4, or 2 of 12.
      expect(first?.losses).toHaveLength(size === 1 ? 8 : 2);
      expect(first?.messages.join('\n')).toMatch(/goes on with \d and \d+: iteration \d+ becomes \d+/);
    }
  });
});

it.runIf(missing !== null)('training with Gloo is not tested here', ({ skip }) => skip(missing ?? ''));
