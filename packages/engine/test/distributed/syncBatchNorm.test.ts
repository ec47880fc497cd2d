/** `syncBn` on devices that cannot sum in the middle of a step, a process a rank: the step is cut there. `cpu.test.ts` has the device that can. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@omma/onnx';
import { sharedMemoryAvailable } from '@omma/collectives';
import { deviceFactories } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { missingInSimulator, simulatorHome } from '../../../ascend/test/support/simulator.ts';
import { expectOneCurve, trainProcesses } from './support/processes.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'omma-sync-bn-'));

const onnx =
  deviceFactories()
    .find(({ name }) => name === 'onnx')
    ?.available() ?? 'the device onnx is unknown';
const devices = [
  {
    device: 'onnx',
    name: 'shm',
    env: {},
    missing: [onnx, sharedMemoryAvailable()].find((reason) => reason !== true) ?? null,
  },
  {
    device: 'ascend',
    name: 'hccl',
    env: {
      ASCEND_TOOLKIT_HOME: simulatorHome,
      OMMA_ASCEND_SIM_SOC: 'Ascend910B3',
      OMMA_ASCEND_SIM_DEVICES: '2',
    },
    missing: missingInSimulator('lib64/libascendcl.so', 'lib64/libhccl.so', 'bin/atc'),
  },
];

/** Twelve steps whose gradients are sums over up to 8 samples of 64 pixels, in another order: 2^-24 times the root of the terms each. */
const float32Noise = 12 * 2 ** -24 * Math.sqrt(8 * 64);

describe('synchronised batch norm', { timeout: 120_000 }, () => {
  for (const { device, name, env, missing } of devices) {
    it.skipIf(missing !== null)(
      `two ranks on ${device} give the loss curve of one with the doubled batch`,
      async () => {
        const settings = { device, env: { ...env, OMMA_TEST_SYNC_BN: '1' } };
        const [whole] = await trainProcesses(await temporary(), 1, 8, settings);
        const ranks = await trainProcesses(await temporary(), 2, 4, settings);
        expectOneCurve(ranks, whole, name, float32Noise);
        expect(ranks[0]?.messages.join('\n')).toMatch(/syncBn: .* does not sum in the middle of a step/);
        expect(ranks[1]?.messages).toEqual([]);
      },
    );
    it.runIf(missing !== null)(`${device} is not tested here`, ({ skip }) => skip(String(missing)));
  }
});
