/**
 * The device `ascend` on the simulator: numbers, state in two places, several executables on one state, leaks.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { add, compile, type Device, hostTensor, mul, randomUniform, Variable } from '@omma/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAscendDevice } from '../../src/index.ts';
import { missingInSimulator, simulatorHome } from '../support/simulator.ts';

const missing = missingInSimulator('lib64/libascendcl.so', 'bin/atc');
const cache = mkdtempSync(join(tmpdir(), 'omma-atc-'));

describe.skipIf(missing !== null)(missing ?? 'the device ascend', () => {
  let ascend: Device;
  beforeAll(() => {
    process.env.ASCEND_TOOLKIT_HOME = simulatorHome;
    process.env.OMMA_ASCEND_CACHE = cache;
    process.env.OMMA_ASCEND_SIM_SOC = 'Ascend910B3';
    ascend = createAscendDevice();
  });
  afterAll(() => {
    ascend.dispose();
    rmSync(cache, { recursive: true, force: true });
  });

  const scalar = (value: number) => hostTensor([1], 'float32', Float32Array.of(value));
  const counter = (value: number) =>
    new Variable('counter', { shape: [1], dtype: 'float32' }, Float32Array.of(value));

  it('says which chip it is', () => {
    expect(ascend.capabilities.description).toMatch(/^Ascend910B3, 64 GB, CANN 8\.1\.RC1 /);
    expect(ascend.capabilities.mixedPrecision).toEqual(['bfloat16', 'float16']);
  });

  it('keeps state from step to step, whichever executable changed it, and however many runs are under way', async () => {
    const state = counter(0);
    const increase = compile(
      ({ by }) => {
        if (by !== undefined) state.write(add(state.read(), by));
        return { before: state.read() };
      },
      { device: ascend, name: 'increase' },
    );
    const double = compile(
      () => {
        state.write(mul(state.read(), 2));
        return { after: state.read() };
      },
      { device: ascend, name: 'double' },
    );
    const look = compile(() => ({ now: add(state.read(), 0.5) }), { device: ascend, name: 'look' });
    let expected = 0;
    for (let round = 0; round < 5; round++) {
      const runs = [increase({ by: scalar(1) }), increase({ by: scalar(2) }), increase({ by: scalar(3) })];
      expected += 6;
      await Promise.all(runs);
      await double();
      expected *= 2;
      expect((await look()).now?.data[0]).toBe(expected + 0.5);
    }
    expect((await state.download()).data[0]).toBe(expected);
    for (const f of [increase, double, look]) f.dispose();
    state.release();
  });

  it('draws the same random numbers as the reference device', async () => {
    const draws = async (target: Device | string) => {
      const key = new Variable('key', { shape: [2], dtype: 'uint32' }, Uint32Array.of(7, 0));
      const f = compile(() => ({ noise: add(randomUniform(key.read(), [8], 3), 1) }), {
        device: target,
        name: 'noise',
      });
      const { noise } = await f();
      f.dispose();
      key.release();
      return [...(noise?.data ?? [])];
    };
    const expected = await draws('reference');
    (await draws(ascend)).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 6);
    });
  });

  it('counts its memory', async () => {
    const before = ascend.memory().live;
    const state = counter(0);
    const f = compile(() => ({ y: add(state.read(), 1) }), { device: ascend, name: 'f' });
    await f();
    expect(ascend.memory().live).toBeGreaterThan(before);
    f.dispose();
    state.release();
    await ascend.synchronize();
    expect(ascend.memory().live).toBe(before);
  });

  it('refuses inputs of another type in one line, and goes on', async () => {
    const f = compile(({ x }) => ({ y: add(x ?? 0, 1) }), { device: ascend, name: 'f' });
    const executable = await f.prepare({ x: { shape: [1], dtype: 'float32' } });
    await expect(executable.run({})).rejects.toThrow('ascend:0: input x (float32[1]) is missing');
    expect((await f({ x: scalar(2) })).y?.data[0]).toBe(3);
    f.dispose();
  });
});
