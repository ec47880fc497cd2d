import { compile, type HostTensor, hostTensor, OmmaError, randomKey, Variable } from '@omma/core';
import { describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

const ramp = (shape: readonly number[]): HostTensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return hostTensor(
    shape,
    'float32',
    Float32Array.from({ length: size }, (_, i) => (i % 7) - 3),
  );
};

async function forward(module: nn.Module, input: HostTensor): Promise<HostTensor> {
  const run = compile(({ x }) => (x === undefined ? {} : { y: module.call(x) }), { device: 'reference' });
  const { y } = await run({ x: input });
  if (y === undefined) throw new Error('no output');
  return y;
}

describe('layers give the shapes that PyTorch gives', () => {
  const image = [2, 4, 8, 8];
  const cases: [string, nn.Module, readonly number[], readonly number[]][] = [
    ['Conv2d', new nn.Conv2d(4, 6, 3, { stride: 2, padding: 1 }), image, [2, 6, 4, 4]],
    [
      'Conv2d, depthwise and dilated',
      new nn.Conv2d(4, 4, 3, { groups: 4, dilation: 2 }),
      image,
      [2, 4, 4, 4],
    ],
    [
      'ConvTranspose2d',
      new nn.ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1 }),
      image,
      [2, 6, 16, 16],
    ],
    ['Linear', new nn.Linear(5, 3), [2, 7, 5], [2, 7, 3]],
    ['LayerNorm', new nn.LayerNorm(5), [2, 5], [2, 5]],
    ['GroupNorm', new nn.GroupNorm(2, 4), image, image],
    ['InstanceNorm2d', new nn.InstanceNorm2d(4), image, image],
    ['MaxPool2d', new nn.MaxPool2d({ kernel: 3, stride: 2, padding: 1 }), image, [2, 4, 4, 4]],
    ['MaxPool2d with a stride of its own size', new nn.MaxPool2d({ kernel: 2 }), image, [2, 4, 4, 4]],
    ['AvgPool2d', new nn.AvgPool2d({ kernel: 3, stride: 2, ceilMode: true }), image, [2, 4, 4, 4]],
    ['GlobalAvgPool', new nn.GlobalAvgPool(), image, [2, 4, 1, 1]],
    ['AdaptiveAvgPool2d', new nn.AdaptiveAvgPool2d(3), image, [2, 4, 3, 3]],
    ['Upsample', new nn.Upsample({ scale: 2, mode: 'bilinear' }), image, [2, 4, 16, 16]],
    ['Upsample to a size', new nn.Upsample({ size: [5, 6] }), image, [2, 4, 5, 6]],
    ['Flatten', new nn.Flatten(), image, [2, 256]],
    ['Identity', new nn.Identity(), image, image],
  ];
  it.each(cases)('%s', async (_, layer, input, output) => {
    expect((await forward(layer, ramp(input))).shape).toEqual(output);
  });
});

describe('activations', () => {
  const cases: [string, nn.Module, number, number][] = [
    ['ReLU', new nn.ReLU(), -1, 0],
    ['ReLU6', new nn.ReLU6(), 8, 6],
    ['LeakyReLU', new nn.LeakyReLU(0.1), -2, -0.2],
    ['ELU', new nn.ELU(), -1, Math.exp(-1) - 1],
    ['Sigmoid', new nn.Sigmoid(), 2, 1 / (1 + Math.exp(-2))],
    ['Tanh', new nn.Tanh(), 0.5, Math.tanh(0.5)],
    ['SiLU', new nn.SiLU(), 2, 2 / (1 + Math.exp(-2))],
    ['Mish', new nn.Mish(), 1, Math.tanh(Math.log(1 + Math.E))],
    ['HardSwish', new nn.HardSwish(), 1, 4 / 6],
    ['HardSigmoid', new nn.HardSigmoid(), 1, 4 / 6],
    ['Softplus', new nn.Softplus(), 1, Math.log(1 + Math.E)],
    ['GELU', new nn.GELU(), 1, 0.841344746],
    ['GELU by tanh', new nn.GELU('tanh'), 1, 0.84119199],
  ];
  it.each(cases)('%s', async (_, layer, x, y) => {
    expect((await forward(layer, hostTensor([1], 'float32', Float32Array.of(x)))).data[0]).toBeCloseTo(y, 6);
  });
});

describe('Embedding', () => {
  it('looks rows up', async () => {
    const table = new nn.Embedding(3, 2);
    await table.weight.upload(Float32Array.of(0, 1, 10, 11, 20, 21));
    expect([...(await forward(table, hostTensor([2], 'int32', Int32Array.of(2, 0)))).data]).toEqual([
      20, 21, 0, 1,
    ]);
  });
});

describe('Dropout', () => {
  const ones = hostTensor([1000], 'float32', new Float32Array(1000).fill(1));

  /** Two dropouts one after the other, with the random counter at `counter`. */
  async function draw(counter: number): Promise<number[]> {
    const [first, second] = [new nn.Dropout(0.25), new nn.Dropout(0.25)];
    const key = new Variable('key', { shape: [2], dtype: 'uint32' }, Uint32Array.of(5, counter));
    const run = compile(
      ({ x }) =>
        x === undefined
          ? {}
          : nn.withRandomKey(randomKey(key), () => ({ a: first.call(x), b: second.call(x) })),
      { device: 'reference' },
    );
    const { a, b } = await run({ x: ones });
    return [...(a?.data ?? []), ...(b?.data ?? [])];
  }

  it('drops its share in training and keeps the mean', async () => {
    const drawn = await draw(0);
    expect(new Set(drawn)).toEqual(new Set([0, Math.fround(4 / 3)]));
    expect(drawn.filter((value) => value === 0).length / drawn.length).toBeCloseTo(0.25, 1);
  });

  it('draws anew for each layer and each step, and the same again for the same step', async () => {
    const drawn = await draw(0);
    expect(drawn.slice(0, 1000)).not.toEqual(drawn.slice(1000));
    expect(await draw(0)).toEqual(drawn);
    expect(await draw(1)).not.toEqual(drawn);
  });

  it('does nothing in evaluation, and says what it lacks in training', async () => {
    expect((await forward(new nn.Dropout(0.5).eval(), ones)).data).toEqual(ones.data);
    await expect(forward(new nn.Dropout(0.5), ones)).rejects.toThrow(
      /Dropout: needs a random key in training/,
    );
    expect(() => new nn.Dropout(1)).toThrow(OmmaError);
  });
});
