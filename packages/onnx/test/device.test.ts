/** The ONNX device: state that stays from run to run, every dtype, errors with our names, memory, profile. */

import {
  advance,
  compile,
  type Device,
  DeviceError,
  type DType,
  deviceFactories,
  device as deviceNamed,
  dropout,
  dtypes,
  embedding,
  gradients,
  type HostTensor,
  hostFrom,
  hostTensor,
  isFloat,
  mean,
  scope,
  tensor,
  Variable,
} from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { asDeviceError } from '../src/device/errors.ts';
import { createOnnxDevice } from '../src/index.ts';

const onnx = createOnnxDevice();
afterAll(() => onnx.dispose());

const numbers = (tensor: HostTensor | undefined) => Array.from(tensor?.data ?? []);
const floats = (...values: number[]) => hostFrom(values, [values.length], 'float32');

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('an input is missing');
  return value;
}

/** Gradient descent on mean((w * x - 1)^2): one graph, with `w` as state. */
function trainingStep(w: Variable, device: Device, profile = false) {
  return compile(
    ({ x }) => {
      const error = w.read().mul(given(x)).sub(1);
      const loss = mean(error.mul(error));
      const [slope] = gradients(loss, [w.read()]);
      w.write(w.read().sub(given(slope).mul(0.5)));
      return { loss };
    },
    { device, profile, name: 'step' },
  );
}

describe('state', () => {
  it('goes from run to run, and is the same as on the reference device', async () => {
    const run = async (device: Device) => {
      const w = new Variable('w', { shape: [3], dtype: 'float32' }, Float32Array.of(0, 1, -1));
      const step = trainingStep(w, device);
      const losses: number[] = [];
      for (let i = 0; i < 5; i++) losses.push(...numbers((await step({ x: floats(1, 2, 0.5) })).loss));
      const end = numbers(await w.download());
      step.dispose();
      w.release();
      return [...losses, ...end];
    };
    const [ours, expected] = [await run(onnx), await run(deviceNamed('reference'))];
    expect(ours.length).toBe(8);
    ours.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
    });
  });

  it('is shared by functions that read it, and replaced by an upload', async () => {
    const w = new Variable('w', { shape: [2], dtype: 'float32' }, Float32Array.of(1, 2));
    const twice = compile(() => ({ y: w.read().mul(2) }), { device: onnx });
    const count = compile(
      () => {
        w.write(w.read().add(1));
        return {};
      },
      { device: onnx },
    );
    await count();
    expect(numbers((await twice()).y)).toEqual([4, 6]);
    const data = Float32Array.of(5, 6);
    await w.upload(data);
    data.fill(0);
    expect(numbers((await twice()).y)).toEqual([10, 12]);
    twice.dispose();
    count.dispose();
    w.release();
  });

  it('is not changed by somebody who writes into what was downloaded', async () => {
    const buffer = onnx.allocate({ shape: [2], dtype: 'float32' });
    await onnx.upload(buffer, Float32Array.of(1, 2));
    (await onnx.download(buffer)).fill(9);
    expect(Array.from(await onnx.download(buffer))).toEqual([1, 2]);
    onnx.free(buffer);
  });

  it.each(dtypes)('of %s is kept bit by bit', async (dtype: DType) => {
    const values = isFloat(dtype) ? [0.5, 1, -2, 0] : [0, 1, 1, 0];
    const start = hostFrom(values, [2, 2], dtype);
    const v = new Variable('v', start, start.data);
    const swap = compile(
      () => {
        const kept = v.read();
        v.write(kept.transpose());
        return { kept };
      },
      { device: onnx },
    );
    expect(numbers((await swap()).kept)).toEqual(numbers(start));
    const [a, b, c, d] = start.data;
    expect(numbers(await v.download())).toEqual([a, c, b, d]);
    swap.dispose();
    v.release();
  });
});

describe('random numbers', () => {
  it('are those of the reference device, from a counter that only a finished step moves on', async () => {
    const draw = async (device: Device) => {
      const key = new Variable('random', { shape: [2], dtype: 'uint32' }, Uint32Array.of(7, 0));
      const x = hostTensor([64], 'float32', new Float32Array(64).fill(1));
      const step = compile(
        (inputs) => {
          const y = dropout(given(inputs.x), { p: 0.5, key: key.read(), salt: 3 });
          advance(key);
          return { y };
        },
        { device },
      );
      const drawn = [...numbers((await step({ x })).y), ...numbers((await step({ x })).y)];
      drawn.push(...numbers(await key.download()));
      step.dispose();
      key.release();
      return drawn;
    };
    expect(await draw(onnx)).toEqual(await draw(deviceNamed('reference')));
  });
});

describe('errors', () => {
  it('of a run name our op and the module path, and leave state as it was', async () => {
    const count = new Variable('count', { shape: [], dtype: 'float32' });
    const step = compile(
      ({ index }) => {
        count.write(count.read().add(1));
        return { y: scope('head.embed', () => embedding(tensor([1, 2, 3, 4], [2, 2]), given(index))) };
      },
      { device: onnx },
    );
    await step({ index: hostFrom([1], [1], 'int32') });
    await expect(step({ index: hostFrom([99], [1], 'int32') })).rejects.toThrow(
      /^onnx: embedding at head\.embed: [^\n]*out of data bounds[^\n]*$/,
    );
    expect(numbers(await count.download())).toEqual([1]);
    step.dispose();
    count.release();
  });

  it('of wrong use are one line', async () => {
    const step = compile(({ x }) => ({ y: given(x).mul(2) }), { device: onnx });
    const executable = await step.prepare({ x: { shape: [2], dtype: 'float32' } });
    await expect(executable.run({})).rejects.toThrow(/^onnx: input x \(float32\[2\]\) is missing$/);
    step.dispose();
    await onnx.synchronize();
    await expect(executable.run({ x: floats(1, 2) })).rejects.toThrow(/executable was disposed/);
    const foreign = deviceNamed('reference').allocate({ shape: [1], dtype: 'float32' });
    await expect(onnx.download(foreign)).rejects.toThrow(/^onnx: the buffer belongs to another device$/);
    const own = onnx.allocate({ shape: [2], dtype: 'float32' });
    await expect(onnx.upload(own, new Float32Array(3))).rejects.toThrow(/needs a Float32Array of 2 elements/);
    onnx.free(own);
  });

  it('of messages that name no node keep the message', () => {
    const error = asDeviceError('onnx', new Map(), new Error('two\nlines'));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toBe('onnx: two lines');
  });
});

describe('the device', () => {
  it('runs in the order of the calls', async () => {
    const v = new Variable('v', { shape: [], dtype: 'float32' });
    const step = compile(
      ({ x }) => {
        v.write(v.read().mul(10).add(given(x)));
        return {};
      },
      { device: onnx },
    );
    const runs = [1, 2, 3].map((x) => step({ x: hostFrom([x], [], 'float32') }));
    await Promise.all(runs);
    expect(numbers(await v.download())).toEqual([123]);
    step.dispose();
    v.release();
  });

  it('has its memory back when everything is released', async () => {
    await onnx.synchronize();
    const before = onnx.memory().live;
    const w = new Variable('w', { shape: [1000], dtype: 'float32' });
    const step = compile(() => ({ y: mean(w.read()) }), { device: onnx });
    await step();
    expect(onnx.memory().live).toBeGreaterThanOrEqual(before + 4000);
    step.dispose();
    w.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(onnx.memory().live).toBe(before);
    expect(onnx.memory().peak).toBeGreaterThanOrEqual(before + 4000);
  });

  it('profiles a step by our ops and module paths', async () => {
    const a = hostFrom(new Float32Array(64 * 64).fill(0.5), [64, 64], 'float32');
    const step = compile(({ x }) => ({ y: scope('layer', () => given(x).matmul(given(x))) }), {
      device: onnx,
      profile: true,
    });
    const executable = await step.prepare({ x: a });
    await executable.run({ x: a });
    await executable.run({ x: a });
    const [product] = executable.profile().filter(({ op }) => op === 'matmul');
    expect(product).toMatchObject({ name: 'matmul (MatMul)', scope: 'layer', runs: 2, bytes: 64 * 64 * 4 });
    expect(product?.milliseconds).toBeGreaterThan(0);
    expect(executable.profile()).toEqual(executable.profile());
    step.dispose();
  });

  it('is known by its name and those of the other execution providers, which auto never takes', () => {
    const known = new Map(deviceFactories().map((factory) => [factory.name, factory]));
    expect(known.get('onnx')?.available()).toBe(true);
    expect(known.get('onnx:cuda')?.available()).toMatch(/lacks its cuda libraries|no cuda provider/);
    expect(known.get('onnx:webgpu')?.priority).toBeLessThan(0);
    expect(deviceNamed('auto').name).toBe('onnx');
  });
});
