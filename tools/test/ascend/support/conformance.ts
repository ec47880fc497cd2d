/** The conformance suite on a simulated chip. A chip is chosen once a process, so each has a test file of its own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@omma/cv';
import { createAscendDevice } from '@omma/ascend';
import { allOps, type Device } from '@omma/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingInSimulator, simulatorHome } from '../../../../packages/ascend/test/support/simulator.ts';
import { failureLines } from '../../../src/conformance/matrix.ts';
import type { CheckResult } from '../../../src/conformance/result.ts';
import { checkOp } from '../../../src/conformance/suite.ts';

/**
 * Every op's first sample, forward and gradient: each is a run of the compiler, and all samples take minutes. Those are checked by
 * `node tools/dist/conformance/main.js --device ascend`.
 */
export function describeConformance(soc: string): void {
  const missing = missingInSimulator('lib64/libascendcl.so', 'bin/atc');
  describe.skipIf(missing !== null)(missing ?? `conformance on a simulated ${soc}`, () => {
    const cache = mkdtempSync(join(tmpdir(), 'omma-atc-'));
    let device: Device;
    beforeAll(() => {
      process.env.ASCEND_TOOLKIT_HOME = simulatorHome;
      process.env.OMMA_ASCEND_CACHE = cache;
      process.env.OMMA_ASCEND_SIM_SOC = soc;
      device = createAscendDevice();
    });
    afterAll(() => {
      device.dispose();
      rmSync(cache, { recursive: true, force: true });
    });

    it('every op agrees with its definition', { timeout: 300_000 }, async () => {
      const results: CheckResult[] = [];
      for (const definition of allOps()) results.push(...(await checkOp(definition, device, 1)));
      expect(failureLines(results)).toEqual([]);
      const left = results.filter(
        ({ outcome }) => outcome.status === 'skip' && outcome.reason === 'unsupported',
      );
      expect(left).toEqual([]);
      expect(results.length).toBeGreaterThan(300);
    });
  });
}
