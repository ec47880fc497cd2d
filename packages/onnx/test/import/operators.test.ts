/** Each operator means here what it means in ONNX Runtime: one node, both run it, at the opsets where its form changed. */

import { compile, device, hostTensor, sizeOf } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { importOnnx, openOnnx } from '../../src/index.ts';
import { modelBytes, type TestAttribute, type TestTensor } from './model.ts';

interface Case {
  readonly type: string;
  readonly opset?: number;
  /** Shapes of the float inputs a, b, c. */
  readonly inputs: readonly (readonly number[])[];
  /** Stored tensors after the inputs; null leaves an input out. */
  readonly stored?: readonly (TestTensor | null)[];
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
  readonly outputs?: number;
  /** Input numbers lie in [low, low + 2); -1 unless given. */
  readonly low?: number;
  /** Its inputs are truth values: a > 0. */
  readonly bools?: boolean;
  /** Its output is not float. */
  readonly cast?: boolean;
}

const ints = (data: readonly number[], shape: readonly number[] = [data.length]): TestTensor => ({
  shape,
  type: 'int64',
  data,
});
const floats = (data: readonly number[], shape: readonly number[] = [data.length]): TestTensor => ({
  shape,
  data,
});
const wave = (...shape: number[]): TestTensor =>
  floats(
    Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i)),
    shape,
  );

const unary = [
  'Abs',
  'Atan',
  'Ceil',
  'Cos',
  'Erf',
  'Exp',
  'Floor',
  'Neg',
  'Reciprocal',
  'Relu',
  'Round',
  'Sigmoid',
  'Sign',
  'Sin',
  'Softplus',
  'Softsign',
  'Tanh',
  'Identity',
  'HardSigmoid',
  'Elu',
  'Selu',
  'LeakyRelu',
];
const binary = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Sum', 'Mean'];
const compared = ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'];
const reduced = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSum',
  'ReduceSumSquare',
];
const image = [2, 3, 5, 6];

const cases: readonly Case[] = [
  ...unary.map((type) => ({ type, inputs: [[2, 7]] })),
  ...['Log', 'Sqrt', 'ReduceLogSum'].map((type) => ({ type, inputs: [[2, 7]], low: 0.5 })),
  ...binary.map((type) => ({
    type,
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    low: 0.2,
  })),
  ...compared.map((type) => ({ type, inputs: [[2, 3], [3]], cast: true })),
  ...['And', 'Or', 'Xor'].map((type) => ({ type, inputs: [[2, 9], [9]], bools: true, cast: true })),
  { type: 'Not', inputs: [[9]], bools: true, cast: true },
  ...reduced.flatMap((type) => [
    { type, inputs: [[2, 3, 4]], opset: 11, attributes: { axes: [1], keepdims: 0 } },
    { type, inputs: [[2, 3, 4]], opset: 18, stored: [ints([0, -1])] },
    { type, inputs: [[2, 3, 4]], opset: 18, attributes: { keepdims: 0 } },
  ]),
  { type: 'Gelu', opset: 20, inputs: [[9]] },
  { type: 'Gelu', opset: 20, inputs: [[9]], attributes: { approximate: 'tanh' } },
  { type: 'HardSwish', opset: 14, inputs: [[9]] },
  { type: 'Mish', opset: 18, inputs: [[9]] },
  { type: 'PRelu', inputs: [[2, 3, 4, 4]], stored: [wave(3, 1, 1)] },
  { type: 'Clip', opset: 7, inputs: [[9]], attributes: { min: { float: -0.5 }, max: { float: 0.25 } } },
  { type: 'Clip', inputs: [[9]], stored: [floats([-0.5], []), null] },
  { type: 'Clip', inputs: [[9]], stored: [null, floats([0.25], [])] },
  { type: 'Pow', inputs: [[9]], stored: [floats([3], [])], low: 0.1 },
  { type: 'Cast', inputs: [[9]], attributes: { to: 7 }, cast: true },
  { type: 'Cast', inputs: [[9]], attributes: { to: 9 }, cast: true },
  ...['Softmax', 'LogSoftmax'].flatMap((type) => [
    { type, inputs: [[2, 3, 4]], opset: 11 },
    { type, inputs: [[2, 3, 4]], opset: 11, attributes: { axis: 2 } },
    { type, inputs: [[2, 3, 4]], opset: 13, attributes: { axis: 1 } },
  ]),
  ...['ArgMax', 'ArgMin'].flatMap((type) => [
    { type, inputs: [[3, 5]], attributes: { axis: 1 }, cast: true },
    { type, inputs: [[3, 5]], attributes: { keepdims: 0, select_last_index: 1 }, cast: true },
  ]),
  { type: 'TopK', inputs: [[3, 7]], stored: [ints([2])] },
  { type: 'TopK', opset: 9, inputs: [[3, 7]], attributes: { k: 3, axis: 0 } },
  { type: 'TopK', inputs: [[3, 7]], stored: [ints([2])], attributes: { axis: 0, largest: 0 } },
  { type: 'CumSum', inputs: [[3, 5]], stored: [ints([1], [])], attributes: { exclusive: 1, reverse: 1 } },
  // windows
  {
    type: 'Conv',
    inputs: [image],
    stored: [wave(4, 3, 3, 2), wave(4)],
    attributes: { strides: [2, 1], pads: [1, 0, 2, 1] },
  },
  {
    type: 'Conv',
    inputs: [[1, 4, 5, 6]],
    stored: [wave(4, 2, 3, 3)],
    attributes: { group: 2, dilations: [1, 2] },
  },
  {
    type: 'Conv',
    inputs: [image],
    stored: [wave(2, 3, 3, 3)],
    attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  },
  { type: 'Conv', inputs: [image], stored: [wave(2, 3, 2, 2)], attributes: { auto_pad: 'SAME_LOWER' } },
  { type: 'Conv', inputs: [image], stored: [wave(2, 3, 2, 2)], attributes: { auto_pad: 'VALID' } },
  {
    type: 'ConvTranspose',
    inputs: [image],
    stored: [wave(3, 2, 3, 3), wave(2)],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 0], output_padding: [1, 0] },
  },
  {
    type: 'ConvTranspose',
    inputs: [[1, 4, 3, 3]],
    stored: [wave(4, 2, 2, 2)],
    attributes: { group: 2, dilations: [2, 1] },
  },
  {
    type: 'MaxPool',
    inputs: [image],
    attributes: { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] },
  },
  { type: 'MaxPool', inputs: [image], attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 } },
  { type: 'MaxPool', inputs: [image], attributes: { kernel_shape: [2, 2], auto_pad: 'SAME_UPPER' } },
  {
    type: 'AveragePool',
    inputs: [image],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    type: 'AveragePool',
    inputs: [image],
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 },
  },
  { type: 'GlobalAveragePool', inputs: [image] },
  { type: 'GlobalMaxPool', inputs: [image] },
  { type: 'BatchNormalization', inputs: [image], stored: [wave(3), wave(3), wave(3), floats([0.5, 1, 2])] },
  {
    type: 'InstanceNormalization',
    inputs: [image],
    stored: [wave(3), wave(3)],
    attributes: { epsilon: { float: 1e-3 } },
  },
  { type: 'LayerNormalization', opset: 17, inputs: [[2, 3, 4]], stored: [wave(4), wave(4)] },
  {
    type: 'LayerNormalization',
    opset: 17,
    inputs: [[2, 3, 4]],
    stored: [wave(3, 4)],
    attributes: { axis: 1 },
  },
  {
    type: 'GroupNormalization',
    opset: 21,
    inputs: [[2, 4, 3, 3]],
    stored: [wave(4), wave(4)],
    attributes: { num_groups: 2 },
  },
  {
    type: 'Gemm',
    inputs: [
      [2, 3],
      [3, 4],
    ],
    stored: [wave(4)],
    attributes: { alpha: { float: 0.5 }, beta: { float: 2 } },
  },
  {
    type: 'Gemm',
    inputs: [
      [3, 2],
      [4, 3],
    ],
    attributes: { transA: 1, transB: 1 },
  },
  {
    type: 'MatMul',
    inputs: [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
  },
  { type: 'MatMul', inputs: [[4], [3, 4, 2]] },
  { type: 'MatMul', inputs: [[3, 4], [4]] },
  // views
  { type: 'Reshape', inputs: [[2, 3, 4]], stored: [ints([0, -1])] },
  { type: 'Flatten', inputs: [[2, 3, 4]], attributes: { axis: -1 } },
  { type: 'Squeeze', opset: 11, inputs: [[1, 3, 1]], attributes: { axes: [0] } },
  { type: 'Squeeze', inputs: [[1, 3, 1]], stored: [ints([-1])] },
  { type: 'Unsqueeze', opset: 11, inputs: [[3, 2]], attributes: { axes: [0, 3] } },
  { type: 'Unsqueeze', inputs: [[3, 2]], stored: [ints([-1, 1])] },
  { type: 'Transpose', inputs: [[2, 3, 4]] },
  { type: 'Transpose', inputs: [[2, 3, 4]], attributes: { perm: [1, 2, 0] } },
  { type: 'Slice', opset: 9, inputs: [[5, 6]], attributes: { starts: [1], ends: [-1], axes: [1] } },
  {
    type: 'Slice',
    inputs: [[5, 6]],
    stored: [ints([-2, 0]), ints([2 ** 62, 5]), ints([0, 1]), ints([1, 2])],
  },
  {
    type: 'Slice',
    inputs: [[5, 6]],
    stored: [ints([-1, 4]), ints([-(2 ** 62), 0]), ints([0, 1]), ints([-1, -2])],
  },
  {
    type: 'Concat',
    inputs: [
      [2, 3],
      [2, 1],
    ],
    attributes: { axis: -1 },
  },
  { type: 'Split', opset: 11, inputs: [[6, 2]], attributes: { split: [4, 2] }, outputs: 2 },
  { type: 'Split', opset: 18, inputs: [[7, 2]], attributes: { num_outputs: 3 }, outputs: 3 },
  { type: 'Pad', opset: 10, inputs: [[2, 3]], attributes: { pads: [1, 0, 0, 2], value: { float: 3 } } },
  { type: 'Pad', inputs: [[4, 5]], stored: [ints([1, 2, -1, 0])], attributes: { mode: 'reflect' } },
  { type: 'Pad', inputs: [[4, 5]], stored: [ints([1, 2, 1, 0])], attributes: { mode: 'edge' } },
  {
    type: 'Pad',
    opset: 19,
    inputs: [[4, 5]],
    stored: [ints([2, 1]), null, ints([1])],
    attributes: { mode: 'wrap' },
  },
  { type: 'Expand', inputs: [[3, 1]], stored: [ints([2, 1, 4])] },
  { type: 'Tile', inputs: [[2, 3]], stored: [ints([2, 1])] },
  { type: 'DepthToSpace', inputs: [[1, 8, 2, 3]], attributes: { blocksize: 2 } },
  { type: 'DepthToSpace', inputs: [[1, 8, 2, 3]], attributes: { blocksize: 2, mode: 'CRD' } },
  { type: 'SpaceToDepth', inputs: [[1, 2, 4, 6]], attributes: { blocksize: 2 } },
  // indices
  {
    type: 'Gather',
    inputs: [[4, 3]],
    stored: [
      ints(
        [
          [3, -1],
          [0, 1],
        ].flat(),
        [2, 2],
      ),
    ],
  },
  { type: 'Gather', inputs: [[4, 3]], stored: [ints([-2], [])], attributes: { axis: 1 } },
  { type: 'GatherElements', inputs: [[3, 2]], stored: [ints([0, -1, 2, 1], [2, 2])] },
  { type: 'GatherND', inputs: [[3, 4, 2]], stored: [ints([0, 1, -1, 3], [2, 2])] },
  { type: 'ScatterElements', inputs: [[3, 3]], stored: [ints([2, 0], [1, 2]), floats([5, 6], [1, 2])] },
  {
    type: 'ScatterElements',
    opset: 16,
    inputs: [[3, 3]],
    stored: [ints([2, 2], [2, 1]), floats([5, 6], [2, 1])],
    attributes: { axis: 1, reduction: 'add' },
  },
  { type: 'ScatterND', inputs: [[4, 2]], stored: [ints([3, 1], [2, 1]), floats([5, 6, 7, 8], [2, 2])] },
  {
    type: 'ScatterND',
    opset: 16,
    inputs: [[4, 2]],
    stored: [ints([3, 3], [2, 1]), floats([5, 6, 7, 8], [2, 2])],
    attributes: { reduction: 'add' },
  },
  // resizing
  { type: 'Upsample', opset: 9, inputs: [image], stored: [floats([1, 1, 2, 2])] },
  {
    type: 'Resize',
    opset: 10,
    inputs: [image],
    stored: [floats([1, 1, 2, 1.5])],
    attributes: { mode: 'linear' },
  },
  ...['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].flatMap((coordinate) =>
    ['linear', 'cubic', 'nearest'].map((mode) => ({
      type: 'Resize',
      inputs: [image],
      stored: [null, null, ints([2, 3, 8, 4])],
      attributes: { mode, coordinate_transformation_mode: coordinate },
    })),
  ),
  ...['floor', 'ceil', 'round_prefer_ceil', 'round_prefer_floor'].map((rounding) => ({
    type: 'Resize',
    inputs: [image],
    stored: [null, floats([1, 1, 1.7, 0.6])],
    attributes: { mode: 'nearest', coordinate_transformation_mode: 'half_pixel', nearest_mode: rounding },
  })),
  {
    type: 'Resize',
    inputs: [image],
    stored: [null, floats([1, 1, 1.7, 0.6])],
    attributes: { mode: 'cubic', cubic_coeff_a: { float: -0.5 }, exclude_outside: 1 },
  },
];

const inputNames = ['a', 'b', 'c'];

/** A model of one node, with casts where ONNX Runtime or the comparison needs them. */
function modelOf({
  type,
  opset = 13,
  inputs,
  stored = [],
  attributes = {},
  outputs = 1,
  bools,
  cast,
}: Case): Uint8Array {
  const names = inputs.map((_, i) => inputNames[i] ?? '');
  const storedNames = stored.map((tensor, i) => (tensor === null ? '' : `stored${i}`));
  const before =
    bools === true
      ? names.map((name) => ({
          type: 'Cast',
          inputs: [name],
          outputs: [`${name}_bool`],
          attributes: { to: 9 },
        }))
      : [];
  const made = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const after =
    cast === true ? [{ type: 'Cast', inputs: ['y0'], outputs: ['z'], attributes: { to: 1 } }] : [];
  return modelBytes({
    opset,
    inputs: Object.fromEntries(inputs.map((shape, i) => [names[i] ?? '', shape])),
    stored: Object.fromEntries(
      stored.flatMap((tensor, i) => (tensor === null ? [] : [[`stored${i}`, tensor]])),
    ),
    nodes: [
      ...before,
      {
        type,
        inputs: [...names.map((name) => (bools === true ? `${name}_bool` : name)), ...storedNames],
        outputs: type === 'TopK' ? [...made, 'indices'] : made,
        attributes,
      },
      ...after,
    ],
    outputs: cast === true ? ['z'] : made,
  });
}

describe('an operator gives what ONNX Runtime gives', () => {
  it.each(
    cases.map(
      (item) =>
        [`${item.type} opset ${item.opset ?? 13} ${JSON.stringify(item.attributes ?? {})}`, item] as const,
    ),
  )('%s', async (_, item) => {
    const bytes = modelOf(item);
    const low = item.low ?? -1;
    const inputs = item.inputs.map((shape, n) =>
      hostTensor(
        shape,
        'float32',
        Float32Array.from({ length: sizeOf(shape) }, (_x, i) => low + 1 + Math.sin(i * 1.7 + n * 5)),
      ),
    );
    const named = Object.fromEntries(inputs.map((tensor, i) => [inputNames[i] ?? '', tensor]));
    const runtime = await openOnnx(bytes);
    const expected = await runtime.run(named);

    const module = importOnnx(bytes).eval();
    const run = compile(
      (tensors) => {
        const results = module.call(...module.inputs.map(({ name }) => tensors[name] ?? never(name)));
        return Object.fromEntries(results.map((tensor, i) => [module.outputs[i]?.name ?? '', tensor]));
      },
      { device: device('reference') },
    );
    const actual = await run(named);
    await runtime.dispose();
    for (const [name, { shape, data }] of Object.entries(expected)) {
      expect(actual[name]?.shape).toEqual(shape);
      const own = actual[name]?.data ?? [];
      // float32 sums of at most a few dozen terms of size 1, against float64: 2^-24 a term, with room for both orders of summation.
      for (const [i, x] of data.entries()) {
        if (Number.isFinite(x))
          expect(Math.abs((own[i] ?? Number.NaN) - x)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(x)));
        else expect(own[i]).toBe(x);
      }
    }
  });
});

function never(name: string): never {
  throw new Error(`no input ${name}`);
}
