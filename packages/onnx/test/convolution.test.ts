/** Convolutions and their gradients: every way to sum, every kind of geometry, against the reference kernel. */

import {
  applyOp,
  type Graph,
  hostFrom,
  opNamed,
  type Pads,
  type Pair,
  sizeOf,
  toNumeric,
  trace,
} from '@omma/core';
import { describe, expect, it } from 'vitest';
import { buildStep, type Dialect, describeOnnx, plainDialect } from '../src/index.ts';
import { present, runModel, runReference } from './run.ts';

type Convolution = 'conv2d' | 'conv2dInputGrad' | 'conv2dWeightGrad';

interface Case {
  readonly note: string;
  /** x [N, C, H, W] and weight [O, C / groups, kh, kw]. */
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly stride?: Pair;
  readonly padding?: Pads;
  readonly dilation?: Pair;
  readonly groups?: number;
  readonly dtype?: 'float32' | 'float16';
  /** Operators that it must be written with, and how many. */
  readonly uses: Readonly<Record<string, number>>;
}

const cases: readonly Case[] = [
  {
    note: 'a large map: one product a tap and picture',
    x: [2, 64, 20, 20],
    weight: [8, 64, 3, 3],
    padding: [1, 1, 1, 1],
    uses: { MatMul: 9, Concat: 1 },
  },
  {
    note: 'few channels: taps are stacked',
    x: [2, 3, 17, 19],
    weight: [5, 3, 7, 7],
    stride: [2, 2],
    padding: [3, 3, 3, 3],
    uses: { MatMul: 3 },
  },
  {
    note: 'a small map with many channels: pictures and places in one sum',
    x: [3, 32, 4, 4],
    weight: [32, 32, 3, 3],
    padding: [1, 1, 1, 1],
    uses: { MatMul: 1, ReduceSum: 0 },
  },
  { note: '1x1', x: [2, 6, 5, 5], weight: [4, 6, 1, 1], uses: { MatMul: 1, Slice: 0 } },
  {
    note: '1x1, stride 2',
    x: [2, 6, 5, 6],
    weight: [4, 6, 1, 1],
    stride: [2, 2],
    uses: { MatMul: 1, Slice: 1 },
  },
  {
    note: 'groups, merged',
    x: [2, 24, 3, 3],
    weight: [24, 12, 2, 3],
    padding: [0, 1, 1, 1],
    groups: 2,
    uses: { MatMul: 1 },
  },
  {
    note: 'groups, dilation, asymmetric padding and stride',
    x: [2, 6, 11, 13],
    weight: [9, 2, 3, 2],
    stride: [2, 3],
    padding: [2, 0, 1, 3],
    dilation: [2, 3],
    groups: 3,
    uses: { ReduceSum: 1 },
  },
  {
    note: 'depthwise',
    x: [2, 5, 9, 8],
    weight: [5, 1, 3, 3],
    stride: [2, 1],
    padding: [1, 1, 1, 1],
    groups: 5,
    uses: { MatMul: 0, ReduceSum: 9 },
  },
  {
    note: 'depthwise with two outputs a channel',
    x: [2, 5, 9, 8],
    weight: [10, 1, 3, 3],
    padding: [1, 1, 1, 1],
    groups: 5,
    uses: { MatMul: 1 },
  },
  {
    note: 'float16 is summed over the pictures in float32',
    x: [3, 32, 4, 4],
    weight: [32, 32, 3, 3],
    padding: [1, 1, 1, 1],
    dtype: 'float16',
    uses: { ReduceSum: 1 },
  },
  { note: 'one picture', x: [1, 4, 6, 6], weight: [3, 4, 3, 3], uses: { ReduceSum: 0 } },
];

const merging: readonly Case[] = [
  {
    note: 'padding',
    x: [3, 5, 4, 3],
    weight: [7, 5, 3, 3],
    padding: [1, 1, 1, 1],
    uses: { Slice: 9, Pad: 1 },
  },
  { note: '1x1', x: [2, 6, 4, 4], weight: [4, 6, 1, 1], uses: { Slice: 0, Pad: 0 } },
  {
    note: 'uneven padding, dilation and kernel',
    x: [2, 3, 3, 4],
    weight: [4, 3, 2, 3],
    padding: [2, 0, 1, 1],
    dilation: [2, 1],
    uses: { Slice: 6 },
  },
  { note: 'groups', x: [2, 6, 4, 4], weight: [9, 2, 3, 3], padding: [1, 1, 1, 1], groups: 3, uses: {} },
  { note: 'depthwise', x: [2, 4, 3, 3], weight: [4, 1, 3, 3], padding: [1, 1, 1, 1], groups: 4, uses: {} },
  {
    note: 'stride',
    x: [3, 4, 7, 6],
    weight: [5, 4, 3, 3],
    padding: [1, 1, 1, 1],
    stride: [2, 2],
    uses: { Slice: 9 },
  },
];

function graphOf({ x, weight, dtype = 'float32', ...options }: Case, op: Convolution): Graph {
  const { stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1 } = options;
  const along = (axis: 0 | 1) => {
    const room = (x[axis + 2] ?? 0) + padding[axis] + padding[axis === 0 ? 2 : 3];
    return Math.floor((room - dilation[axis] * ((weight[axis + 2] ?? 1) - 1) - 1) / stride[axis]) + 1;
  };
  const y = [x[0] ?? 0, weight[0] ?? 0, along(0), along(1)];
  const bias = [weight[0] ?? 0];
  const { operands, shape } = {
    conv2d: { operands: [x, weight, bias], shape: {} },
    conv2dInputGrad: { operands: [y, weight], shape: { inputShape: x } },
    conv2dWeightGrad: { operands: [x, y], shape: { weightShape: weight } },
  }[op];
  const attributes = { stride, padding, dilation, groups, ...shape };
  return trace(
    (inputs) => ({ result: present(applyOp(opNamed(op), Object.values(inputs), attributes)[0]) }),
    Object.fromEntries(operands.map((extents, i) => [`operand${i}`, { shape: extents, dtype }])),
  );
}

/** Writes the op in `dialect`, compares what ONNX Runtime makes of it with the reference, and returns the operators that it is written with. */
async function operatorsThatAgree(
  one: Case,
  op: Convolution,
  terms: (...shapes: number[][]) => number,
  dialect: Dialect = plainDialect(),
): Promise<readonly string[]> {
  const graph = graphOf(one, op);
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, value }, n) => {
      const { shape, dtype } = present(graph.values[value]);
      const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 12.9898 + n * 78.233));
      return [name, hostFrom(numbers, shape, dtype)];
    }),
  );
  const model = buildStep(graph, dialect);
  const actual = present((await runModel(model, new Map(), inputs)).result);
  const expected = present((await runReference(graph, new Map(), inputs)).result);
  const [found, wanted] = [toNumeric(actual.dtype, actual.data), toNumeric(expected.dtype, expected.data)];
  // Sums of products of numbers up to 1: float32 rounds each of its terms, float16 each picture's sum.
  const rounding = one.dtype === 'float16' ? 2 ** -10 : 2 ** -22;
  const bound = rounding * terms(...Object.values(inputs).map(({ shape }) => [...shape]));
  wanted.forEach((value, i) => {
    expect(Math.abs((found[i] ?? 0) - value)).toBeLessThanOrEqual(bound);
  });
  return describeOnnx(model.bytes).nodes.map((node) => node.opType);
}

function expectUses(operators: readonly string[], uses: Case['uses']): void {
  for (const [operator, count] of Object.entries(uses))
    expect(operators.filter((name) => name === operator).length, operator).toBe(count);
}

describe('conv2dWeightGrad', () => {
  it.each(cases)('$note', async (one) => {
    // As many terms as dy has places.
    const places = (_x: number[], dy: number[]) => sizeOf(dy) / (dy[1] ?? 1);
    const operators = await operatorsThatAgree(one, 'conv2dWeightGrad', places);
    expectUses(operators, one.uses);
    expect(operators).not.toContain('Conv');
  });
});

describe('on a small map, where the runtime gains by it', () => {
  const dialect = { ...plainDialect(), mergesPictures: true };
  const terms = (_: number[], weight: number[]) => sizeOf(weight);

  it.each(merging)('conv2d is one product for all pictures: $note', async (one) => {
    const operators = await operatorsThatAgree(one, 'conv2d', terms, dialect);
    expectUses(operators, { ...one.uses, Conv: 0, MatMul: 1 });
  });

  it.each(merging)('conv2dInputGrad is one too, unless it is strided: $note', async (one) => {
    const operators = await operatorsThatAgree(one, 'conv2dInputGrad', terms, dialect);
    const strided = one.stride !== undefined;
    expectUses(operators, { ConvTranspose: strided ? 1 : 0, MatMul: strided ? 0 : 1, Conv: 0 });
  });

  it('one picture, a large map and 16-bit numbers stay convolutions', async () => {
    const one: Case = { note: '', x: [2, 3, 5, 5], weight: [4, 3, 3, 3], padding: [1, 1, 1, 1], uses: {} };
    const small: Case = { ...one, x: [2, 3, 4, 4] };
    for (const other of [one, { ...small, x: [1, 3, 4, 4] }, { ...small, dtype: 'float16' as const }])
      expect(await operatorsThatAgree(other, 'conv2d', terms, dialect)).toContain('Conv');
    expect(await operatorsThatAgree(small, 'conv2d', terms)).toContain('Conv');
  });
});
