/** Data parallel training on simulated Ascend devices, a process each, with gradients reduced by HCCL. */

import type { ChildProcess } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missingInSimulator, simulatorHome } from '../../../ascend/test/support/simulator.ts';
import { listCheckpoints, loadCheckpoint } from '../../src/index.ts';
import { distance, type Ended, expectOneCurve, type Settings, trainProcesses } from './support/processes.ts';

const missing = missingInSimulator('lib64/libascendcl.so', 'lib64/libhccl.so', 'bin/atc');
const temporary = () => mkdtemp(join(tmpdir(), 'omma-hccl-train-'));

interface Simulated extends Pick<Settings, 'amp' | 'env' | 'watch'> {
  readonly soc?: string;
}

/** Trains in `size` processes with `batchSize` samples each. */
function train(
  workDir: string,
  size: number,
  batchSize: number,
  { soc = 'Ascend910B3', env = {}, ...settings }: Simulated = {},
): Promise<Ended[]> {
  const simulator = {
    ASCEND_TOOLKIT_HOME: simulatorHome,
    OMMA_ASCEND_SIM_SOC: soc,
    OMMA_ASCEND_SIM_DEVICES: String(Math.max(2, size)),
  };
  return trainProcesses(workDir, size, batchSize, {
    ...settings,
    device: 'ascend',
    env: { ...simulator, ...env },
  });
}

/** Twelve steps whose gradients are sums over up to 8 samples of 64 pixels, in another order: 2^-24 times the root of the terms each. */
const float32Noise = 12 * 2 ** -24 * Math.sqrt(8 * 64);
/** The same with values rounded to float16 in between: 2^-11 a step. */
const float16Noise = 12 * 2 ** -11;

describe.skipIf(missing !== null)('simulated Ascend devices with HCCL', { timeout: 120_000 }, () => {
  it('give the loss curve and the metrics of one device with the doubled batch', async () => {
    const [whole] = await train(await temporary(), 1, 8);
    const ranks = await train(await temporary(), 2, 4);
    expect(whole).toMatchObject({ code: 0, name: null });
    expectOneCurve(ranks, whole, 'hccl', float32Noise);
  });

  it('do so in mixed float16 on a chip without float32 convolution', async () => {
    const settings = { soc: 'Ascend910A', amp: 'float16' };
    const [whole] = await train(await temporary(), 1, 8, settings);
    const ranks = await train(await temporary(), 2, 4, settings);
    for (const rank of ranks) {
      expect(rank).toMatchObject({ code: 0, losses: ranks[0]?.losses });
      expect(distance(rank.losses, whole?.losses ?? [])).toBeLessThan(float16Noise);
    }
  });

  it('and on a chip whose HCCL has no broadcast', async () => {
    const ranks = await train(await temporary(), 2, 4, { soc: 'Ascend310P3', amp: 'float16' });
    for (const rank of ranks) expect(rank).toMatchObject({ code: 0, losses: ranks[0]?.losses });
  });

  it('eight of them give that of one device with the eight-fold batch', async () => {
    const [whole] = await train(await temporary(), 1, 16);
    const ranks = await train(await temporary(), 8, 2);
    expect(ranks).toHaveLength(8);
    expectOneCurve(ranks, whole, 'hccl', float32Noise);
  });

  it.each(['detected', 'silent'])(
    'a rank that is killed (its loss %s by HCCL) ends the other in seconds, with its last checkpoint whole',
    async (loss) => {
      const workDir = await temporary();
      const started = performance.now();
      // State is broadcast in 14 operations, a step is one more: the fault comes in the seventh step.
      const env = { OMMA_ASCEND_SIM_FAULT: 'killrank:1:21', OMMA_ASCEND_SIM_HCCL_LOSS: loss };
      const [first, second] = await train(workDir, 2, 4, { env });
      expect(second?.signal).toBe('SIGKILL');
      expect(first?.code).toBe(1);
      expect(first?.err).toMatch(
        /OmmaError: distributed: .*rank 1 is gone.*; the run ends here; the same command with --resume goes on from .*iter_\d+\.safetensors/s,
      );
      expect((performance.now() - started) / 1000).toBeLessThan(60);
      const [newest = ''] = await listCheckpoints(workDir);
      const { manifest } = await loadCheckpoint(newest);
      expect(manifest.iteration).toBeGreaterThan(0);
    },
  );

  it('a rank that hangs ends the other after OMMA_COLLECTIVE_TIMEOUT, in HCCL or outside of it', async () => {
    const workDir = await temporary();
    let stopped = 0;
    const watch = ([first, second]: readonly ChildProcess[]) => {
      const trains = setInterval(async () => {
        if ((await listCheckpoints(workDir)).length === 0 || stopped > 0) return;
        stopped = performance.now();
        second?.kill('SIGSTOP');
      }, 50);
      first?.once('close', () => {
        clearInterval(trains);
        second?.kill('SIGKILL');
      });
    };
    const env = { OMMA_COLLECTIVE_TIMEOUT: '8', OMMA_TEST_EPOCHS: '100000' };
    const [first] = await train(workDir, 2, 4, { env, watch });
    expect(stopped).toBeGreaterThan(0);
    expect(first?.code).toBe(1);
    expect(first?.err).toMatch(
      /OmmaError: distributed: (HCCL: 9 HCCL_E_TIMEOUT; another rank did not come or hangs|\w+ \(collective \d+\) waited 8 s for rank 1; it hangs)/,
    );
    expect((performance.now() - stopped) / 1000).toBeLessThan(30);
  });
});

it.runIf(missing !== null)('training with HCCL is not tested here', ({ skip }) => skip(missing ?? ''));
