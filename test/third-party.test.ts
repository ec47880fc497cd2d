/**
 * The table of ops and the registry of devices are open: what Omma's own packages do, anybody's can.
 */
import {
  compile,
  device,
  gradients,
  hostTensor,
  mul,
  type OpDefinition,
  opNamed,
  sum,
  tensor,
  trace,
  Variable,
} from '@omma/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { failureLines } from '../tools/src/conformance/matrix.ts';
import { checkOp, runSuite } from '../tools/src/conformance/suite.ts';
import { squareplus, squareplusOp } from './third-party/squareplus.ts';
import { ToyDevice } from './third-party/toyDevice.ts';

const x = hostTensor([4], 'float32', Float32Array.of(-3, -0.5, 0, 2));
const expected = Array.from(x.data, (value) => (value + Math.sqrt(value * value + 4)) / 2);
const slope = Array.from(x.data, (value) => (value / Math.sqrt(value * value + 4) + 1) / 2);

/** Two roundings of float32 an operation, five operations. */
const digits = 6;

describe('an op from outside the packages', () => {
  test('stands in the table like any other', () => {
    const definition: OpDefinition = opNamed('squareplus');
    expect(definition.name).toBe(squareplusOp.definition.name);
  });

  test('runs where nobody wrote a kernel for it, through its lowering, with its gradient', async () => {
    const run = compile(
      (inputs) => {
        const input = inputs.x ?? tensor([0]);
        const y = squareplus(input);
        return { y, dx: gradients(sum(y), [input])[0] ?? y };
      },
      { device: 'reference' },
    );
    const { y, dx } = await run({ x });
    expected.forEach((value, i) => {
      expect(y?.data[i]).toBeCloseTo(value, digits);
    });
    slope.forEach((value, i) => {
      expect(dx?.data[i]).toBeCloseTo(value, digits);
    });
  });

  test('passes the conformance suite, which its samples and errors fill', async () => {
    const results = await checkOp(squareplusOp.definition, device('reference'));
    expect(failureLines(results)).toEqual([]);
    const passed = results.filter(({ outcome }) => outcome.status === 'pass').map(({ check }) => check);
    expect(new Set(passed)).toEqual(
      new Set(['forward', 'gradient', 'memory', 'derivative', 'lowering', 'refusal']),
    );
  });

  test('refuses bad attributes when it is traced', () => {
    expect(() => trace(({ a }) => ({ y: squareplus(a ?? tensor([0]), -1) }), { a: x })).toThrow(
      /b must be at least 0/,
    );
  });
});

describe('a device from outside the packages', () => {
  let toy: ToyDevice;
  beforeAll(() => {
    const opened = device('toy');
    if (!(opened instanceof ToyDevice)) throw new Error('toy is registered as something else');
    toy = opened;
  });

  test('gets an op that it lacks taken apart into ops that it has', async () => {
    const run = compile(({ a }) => ({ y: squareplus(a ?? tensor([0])) }), { device: toy });
    const { y } = await run({ a: x });
    expected.forEach((value, i) => {
      expect(y?.data[i]).toBeCloseTo(value, digits);
    });
    expect(toy.ran).toContain('sqrt');
    expect(toy.ran).not.toContain('squareplus');
  });

  test('passes the conformance suite in what it can do', async () => {
    const results = await runSuite(toy);
    expect(failureLines(results)).toEqual([]);
    expect(
      results.filter(({ check, outcome }) => check === 'forward' && outcome.status === 'pass').length,
    ).toBeGreaterThan(20);
  });

  test('keeps variables in its own memory from call to call', async () => {
    const counter = new Variable('counter', { shape: [], dtype: 'float32' }, Float32Array.of(1));
    const double = compile(
      () => {
        counter.write(mul(counter.read(), 2));
        return {};
      },
      { device: toy },
    );
    await double();
    await double();
    expect((await counter.download()).data[0]).toBe(4);
    expect(toy.memory().live).toBe(4);
    counter.release();
    expect(toy.memory().live).toBe(0);
  });
});
