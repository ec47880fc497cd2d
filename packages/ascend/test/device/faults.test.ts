/**
 * What happens when something goes wrong on the chip or in its compiler: the simulator does it on purpose. Every fault ends in one line that says
 * what happened and what to do, state from before the failed step, and a process that ends; nothing leaks where nothing failed.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { missingInSimulator, simulatorHome } from '../support/simulator.ts';

const missing = missingInSimulator('lib64/libascendcl.so', 'bin/atc');
const program = fileURLToPath(new URL('support/train.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'omma-faults-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly result: { losses: number[]; weight: number | string; error: string | null } | null;
  readonly error: string;
}

function train(steps: number, settings: Readonly<Record<string, string>>, loads = 0): Promise<Ended> {
  const env = {
    ...process.env,
    ASCEND_TOOLKIT_HOME: simulatorHome,
    OMMA_ASCEND_CACHE: join(folder, 'cache'),
    OMMA_ASCEND_SIM_SOC: 'Ascend910B3',
    ...settings,
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, String(steps), String(loads)],
      { env, timeout: 50_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, result: stdout === '' ? null : JSON.parse(stdout), error: stderr.trim() });
      },
    );
  });
}

describe.skipIf(missing !== null)(missing ?? 'on the simulated chip', () => {
  it('after 1000 steps and 200 loads everything is given back before the process ends, and weights have not travelled', async () => {
    const file = join(folder, 'stats.json');
    const { code, result } = await train(1000, { OMMA_ASCEND_SIM_STATS: file }, 200);
    expect(code).toBe(0);
    expect(result?.losses).toHaveLength(1000);
    const { live, counters } = JSON.parse(readFileSync(file, 'utf8'));
    expect(new Set(Object.values(live))).toEqual(new Set([0]));
    const image = 2 * 3 * 8 * 8 * 4;
    const weight = 4 * 3 * 3 * 3 * 4;
    expect(counters).toMatchObject({
      executions: 1200,
      loads: 201,
      lostAtReset: 0,
      hostToDeviceBytes: 1200 * image + weight,
      deviceToHostBytes: 1200 * 4 + weight,
    });
  });

  it('a kernel that fails: the state is that before the step', async () => {
    const good = await train(2, {});
    const { code, result, error } = await train(5, { OMMA_ASCEND_SIM_FAULT: 'kernel:3' });
    expect(code).toBe(1);
    expect(result?.losses).toEqual(good.result?.losses);
    expect(result?.weight).toBe(good.result?.weight);
    expect(error).toMatch(
      /^DeviceError: ascend:0: a step failed, and the state on the device is as before it: .*507015.*plog/,
    );
    expect(error).not.toContain('\n');
  });

  it('a step that hangs ends after the time that it may take, and so does the process', async () => {
    const { code, error } = await train(5, { OMMA_ASCEND_SIM_FAULT: 'hang:2', OMMA_ASCEND_TIMEOUT: '1' });
    expect(error).not.toContain('1000 ms');
    expect(code).toBe(1);
    expect(error).toMatch(
      /^DeviceError: ascend:0: a step failed.*: it did not end within 1 s, .* OMMA_ASCEND_TIMEOUT .*507046.*the device was given up/,
    );
  });

  it('no memory left: how much was wanted and how much there is', async () => {
    const { code, error } = await train(1, { OMMA_ASCEND_SIM_FAULT: 'oom:2' });
    expect(code).toBe(1);
    expect(error).toMatch(
      /^DeviceError: ascend:0: .*out of memory: .*bytes of device memory are wanted.*lower the batch size/,
    );
  });

  it('a compiler that fails is quoted', async () => {
    const { code, error } = await train(1, {
      OMMA_ASCEND_SIM_FAULT: 'atc-fail',
      OMMA_ASCEND_CACHE: join(folder, 'other'),
    });
    expect(code).toBe(1);
    expect(error).toMatch(/^DeviceError: ascend:0: atc \(Ascend910B3\): .*E[0-9A-Z]{5}: /);
  });

  it('a compiler that hangs is stopped', async () => {
    const { code, error } = await train(1, {
      OMMA_ASCEND_SIM_FAULT: 'atc-hang',
      OMMA_ASCEND_CACHE: join(folder, 'third'),
      OMMA_ASCEND_ATC_TIMEOUT: '1',
    });
    expect(code).toBe(1);
    expect(error).toMatch(
      /^DeviceError: ascend:0: atc did not end within 1 s and was stopped; .*OMMA_ASCEND_ATC_TIMEOUT/,
    );
  });
});
