/** Whole models: read, run, trained, written again; and files that are damaged or ask for what cannot be imported. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  compile,
  crossEntropy,
  device,
  fromFloat16,
  gradients,
  type HostTensor,
  hostTensor,
  type Tensor,
  tensor,
  trace,
} from '@omma/core';
import { BatchNorm2d, Conv2d, Flatten, initialize, Linear, ReLU, Sequential, SGD } from '@omma/nn';
import { describe, expect, it } from 'vitest';
import { exportOnnx, importOnnx, type OnnxModule, openOnnx } from '../../src/index.ts';
import { modelBytes } from './model.ts';

const x = hostTensor(
  [2, 3, 6, 6],
  'float32',
  Float32Array.from({ length: 216 }, (_, i) => Math.sin(i)),
);

function single(module: OnnxModule, input: Tensor | undefined): Tensor {
  const [y] = input === undefined ? [] : module.call(input);
  if (y === undefined) throw new Error('the model has no output');
  return y;
}

async function exported(module: {
  call(x: Tensor): Tensor;
  namedParameters(): [string, HostLike][];
  namedBuffers(): [string, HostLike][];
}): Promise<Uint8Array> {
  const graph = trace(({ image }) => (image === undefined ? {} : { logits: module.call(image) }), {
    image: x,
  });
  const variables = [...module.namedParameters(), ...module.namedBuffers()];
  const weights = await Promise.all(
    variables.map(async ([name, variable]) => [name, await variable.download()] as const),
  );
  return exportOnnx(graph, { weights: Object.fromEntries(weights) });
}

interface HostLike {
  download(): Promise<HostTensor>;
}

async function written(): Promise<Uint8Array> {
  const model = new Sequential(
    new Conv2d(3, 4, 3, { padding: 1 }),
    new ReLU(),
    new Conv2d(4, 5, 3, { stride: 2, bias: false }),
    new Flatten(),
    new Linear(20, 3),
  ).eval();
  await initialize(model, 1);
  return exported(model);
}

async function runImported(module: OnnxModule): Promise<HostTensor> {
  const run = compile(({ image }) => ({ y: single(module, image) }), { device: device('reference') });
  const { y } = await run({ image: x });
  if (y === undefined) throw new Error('no output');
  return y;
}

async function runRuntime(bytes: Uint8Array): Promise<HostTensor> {
  const runtime = await openOnnx(bytes);
  const { logits } = await runtime.run({ image: x });
  await runtime.dispose();
  if (logits === undefined) throw new Error('no output');
  return logits;
}

function expectClose(actual: HostTensor, expected: HostTensor, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  expected.data.forEach((value, i) => {
    expect(Math.abs((actual.data[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(tolerance);
  });
}

describe('a model', () => {
  it('gives after import what ONNX Runtime gives before, under the parameter names of the file', async () => {
    const bytes = await written();
    const module = importOnnx(bytes).eval();
    expect(module.namedParameters().map(([name]) => name)).toEqual([
      '0.weight',
      '0.bias',
      '2.weight',
      '4.weight',
      '4.bias',
    ]);
    expectClose(await runImported(module), await runRuntime(bytes), 1e-5);
  });

  it('is trained and exported again', async () => {
    const module = importOnnx(await written()).train();
    const optimizer = new SGD({ momentum: 0.9 });
    const labels = tensor([0, 2], [2], 'int32');
    const step = compile(
      ({ image, rate }) => {
        if (image === undefined || rate === undefined) return {};
        const loss = crossEntropy(single(module, image), labels);
        const parameters = module.namedParameters();
        optimizer.step(
          parameters,
          gradients(
            loss,
            parameters.map(([, parameter]) => parameter.read()),
          ),
          rate,
        );
        return { loss };
      },
      { device: device('reference') },
    );
    const losses: number[] = [];
    for (let i = 0; i < 8; i++) {
      const { loss } = await step({ image: x, rate: hostTensor([], 'float32', Float32Array.of(0.05)) });
      losses.push(loss?.data[0] ?? Number.NaN);
    }
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
    module.eval();
    const bytes = await exported({
      call: (image) => single(module, image),
      namedParameters: () => module.namedParameters(),
      namedBuffers: () => module.namedBuffers(),
    });
    expectClose(await runRuntime(bytes), await runImported(module), 1e-4);
  });

  it('normalises with the batch while it trains and moves the running statistics as nn does', async () => {
    const numbers = (...values: number[]) => ({ shape: [values.length], data: values });
    const bytes = modelBytes({
      opset: 13,
      inputs: { image: [2, 3, 6, 6] },
      stored: {
        w: numbers(1, 2, 3),
        b: numbers(0, 1, 2),
        mean: numbers(0.5, 0, 0),
        variance: numbers(1, 2, 3),
      },
      nodes: [
        { type: 'BatchNormalization', inputs: ['image', 'w', 'b', 'mean', 'variance'], outputs: ['y'] },
      ],
      outputs: ['y'],
    });
    const module = importOnnx(bytes).train();
    const own = new BatchNorm2d(3).train();
    own.assignNames('own');
    await Promise.all([
      own.weight.upload(Float32Array.of(1, 2, 3)),
      own.bias.upload(Float32Array.of(0, 1, 2)),
      own.runningMean.upload(Float32Array.of(0.5, 0, 0)),
      own.runningVar.upload(Float32Array.of(1, 2, 3)),
    ]);
    const run = compile(
      ({ image }) => (image === undefined ? {} : { y: single(module, image), z: own.call(image) }),
      { device: device('reference') },
    );
    const { y, z } = await run({ image: x });
    expect(y?.data).toEqual(z?.data);
    const moved = Object.fromEntries(
      await Promise.all(
        module.namedBuffers().map(async ([name, buffer]) => [name, (await buffer.download()).data] as const),
      ),
    );
    expect(moved).toEqual({
      mean: (await own.runningMean.download()).data,
      variance: (await own.runningVar.download()).data,
    });
  });

  it('has its shapes computed while it is traced', async () => {
    const bytes = modelBytes({
      opset: 11,
      inputs: { image: [2, 3, 6, 6] },
      stored: {
        axis: { shape: [], type: 'int64', data: [0] },
        rest: { shape: [1], type: 'int64', data: [-1] },
      },
      nodes: [
        { type: 'Shape', inputs: ['image'], outputs: ['shape'] },
        { type: 'Gather', inputs: ['shape', 'axis'], outputs: ['batch'] },
        { type: 'Unsqueeze', inputs: ['batch'], outputs: ['batch1'], attributes: { axes: [0] } },
        { type: 'Concat', inputs: ['batch1', 'rest'], outputs: ['to'], attributes: { axis: 0 } },
        { type: 'Reshape', inputs: ['image', 'to'], outputs: ['logits'] },
      ],
      outputs: ['logits'],
    });
    const module = importOnnx(bytes);
    const graph = trace(({ image }) => ({ y: single(module, image) }), { image: x });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['reshape']);
    expectClose(await runImported(module), await runRuntime(bytes), 0);
  });
});

const shared = join(import.meta.dirname, '../../../../../shared');
const yolox = join(shared, 'checkpoints/yolox-nano/yolox_nano.onnx');

describe.skipIf(!existsSync(yolox))(
  `YOLOX-nano of the shared folder (skipped where ${yolox} is missing)`,
  () => {
    it('gives the recorded output', async () => {
      const module = importOnnx(readFileSync(yolox)).eval();
      const golden = join(shared, 'golden/checkpoints');
      const pixels = npy(join(golden, 'yolox_nano_cat_couch_416_bgr_u8.npy'));
      const expected = npy(join(golden, 'yolox_nano_cat_couch_output_f16.npy'));
      const image = new Float32Array(3 * 416 * 416);
      for (let i = 0; i < 416 * 416; i++)
        for (let c = 0; c < 3; c++) image[c * 416 * 416 + i] = pixels[i * 3 + c] ?? 0;
      const run = compile(({ picture }) => ({ y: single(module, picture) }), { device: device('reference') });
      const { y } = await run({ picture: hostTensor([1, 3, 416, 416], 'float32', image) });
      expect(y?.shape).toEqual([1, 3549, 85]);
      const bits = new Uint16Array(expected.buffer, expected.byteOffset, expected.byteLength / 2);
      // The record is float16, column after column: 2^-11 of the number, and its own float32 arithmetic over 113 convolutions.
      bits.forEach((pattern, i) => {
        const value = fromFloat16(pattern);
        const own = y?.data[(i % 3549) * 85 + Math.floor(i / 3549)] ?? Number.NaN;
        if (!(Math.abs(own - value) <= 2e-3 + Math.abs(value) * 2 ** -9))
          expect([i, own]).toEqual([i, value]);
      });
    });
  },
);

/** The numbers of a NumPy file whose header is 128 bytes long, copied so that wider views of them are aligned. */
function npy(path: string): Uint8Array {
  return Uint8Array.from(readFileSync(path).subarray(128));
}

describe('a file that cannot be imported', () => {
  const relu = { type: 'Relu', inputs: ['a'], outputs: ['y'] };
  const of = (model: Partial<Parameters<typeof modelBytes>[0]>) =>
    modelBytes({ opset: 13, inputs: { a: [2] }, nodes: [relu], outputs: ['y'], ...model });

  it.each([
    [
      'text',
      new TextEncoder().encode('hello'),
      /^importOnnx: the file is not an ONNX model, or is damaged \(/,
    ],
    ['nothing', new Uint8Array(), /^importOnnx: the file holds no graph$/],
    ['a cut file', of({}).subarray(0, 30), /^importOnnx: the file is not an ONNX model, or is damaged/],
    ['an old opset', of({ opset: 6 }), /^importOnnx: operator sets 7 to 21 are known but the model uses 6$/],
    ['a new opset', of({ opset: 22 }), /uses 22$/],
    [
      'an unknown operator',
      of({ nodes: [{ ...relu, type: 'LSTM' }] }),
      /^importOnnx: no way to import operator LSTM; /,
    ],
    [
      'a missing input',
      of({ nodes: [{ ...relu, inputs: ['b'] }] }),
      /^importOnnx: node Relu_0: nothing before it makes its input b$/,
    ],
    ['a name made twice', of({ nodes: [relu, relu] }), /^importOnnx: node Relu_1: y is made twice$/],
    ['a missing output', of({ outputs: ['z'] }), /^importOnnx: no node makes the model's output z$/],
    [
      'too few numbers',
      of({ stored: { w: { shape: [1000000, 1000000], data: [1] } } }),
      /^importOnnx: initializer w: shape \[1000000, 1000000\] needs 1000000000000 numbers but the file has 1$/,
    ],
  ])('%s is refused in one line', (_, bytes, message) => {
    expect(() => importOnnx(bytes)).toThrow(message);
  });

  it.each([
    [
      'a shape that depends on data',
      [
        { type: 'Cast', inputs: ['a'], outputs: ['n'], attributes: { to: 7 } },
        { type: 'Reshape', inputs: ['a', 'n'], outputs: ['y'] },
      ],
      /^importOnnx: node Reshape_1 \(Reshape\): input 1 \(shape\) depends on data/,
    ],
    [
      'an attribute of another kind',
      [{ type: 'LeakyRelu', inputs: ['a'], outputs: ['y'], attributes: { alpha: 'steep' } }],
      /^importOnnx: node LeakyRelu_0 \(LeakyRelu\): attribute alpha should be a number but is "steep"$/,
    ],
    [
      'a wrong rank',
      [{ type: 'GlobalAveragePool', inputs: ['a'], outputs: ['y'] }],
      /node GlobalAveragePool_0 .* should have shape \[N, C, H, W\] but has \[2\]$/,
    ],
    [
      'shapes that do not fit',
      [{ type: 'MatMul', inputs: ['a', 'w'], outputs: ['y'] }],
      /^importOnnx: node MatMul_0 \(MatMul\): matmul: /,
    ],
  ])('%s is named with its node', (_, nodes, message) => {
    const module = importOnnx(
      of({ nodes, stored: { w: { shape: [3, 3], data: Array.from({ length: 9 }, () => 1) } } }),
    );
    expect(() =>
      trace(({ a }) => ({ y: single(module, a) }), { a: { shape: [2], dtype: 'float32' } }),
    ).toThrow(message);
  });
});
