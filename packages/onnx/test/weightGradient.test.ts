/** Weight gradients of convolutions: every way to sum, every kind of geometry, against the reference kernel. */

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
import { buildStep, describeOnnx, plainDialect } from '../src/index.ts';
import { present, runModel, runReference } from './run.ts';

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

function graphOf({ x, weight, dtype = 'float32', ...options }: Case): Graph {
  const { stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1 } = options;
  const along = (axis: 0 | 1) => {
    const room = (x[axis + 2] ?? 0) + padding[axis] + padding[axis === 0 ? 2 : 3];
    return Math.floor((room - dilation[axis] * ((weight[axis + 2] ?? 1) - 1) - 1) / stride[axis]) + 1;
  };
  const dy = [x[0] ?? 0, weight[0] ?? 0, along(0), along(1)];
  return trace(
    (inputs) => {
      const [dw] = applyOp(opNamed('conv2dWeightGrad'), [present(inputs.x), present(inputs.dy)], {
        stride,
        padding,
        dilation,
        groups,
        weightShape: weight,
      });
      return { dw: present(dw) };
    },
    { x: { shape: x, dtype }, dy: { shape: dy, dtype } },
  );
}

describe('conv2dWeightGrad', () => {
  it.each(cases)('$note', async (one) => {
    const graph = graphOf(one);
    const inputs = Object.fromEntries(
      graph.inputs.map(({ name, value }, n) => {
        const { shape, dtype } = present(graph.values[value]);
        const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 12.9898 + n * 78.233));
        return [name, hostFrom(numbers, shape, dtype)];
      }),
    );
    const model = buildStep(graph, plainDialect());
    const actual = present((await runModel(model, new Map(), inputs)).dw);
    const expected = present((await runReference(graph, new Map(), inputs)).dw);
    const [found, wanted] = [toNumeric(actual.dtype, actual.data), toNumeric(expected.dtype, expected.data)];
    // Sums of products of numbers up to 1, as many as dy has places: float32 rounds each, float16 each picture's sum.
    const places = sizeOf(present(inputs.dy).shape) / (one.weight[0] ?? 1);
    const rounding = one.dtype === 'float16' ? 2 ** -10 : 2 ** -22;
    wanted.forEach((value, i) => {
      expect(Math.abs((found[i] ?? 0) - value)).toBeLessThanOrEqual(rounding * places);
    });
    const operators = describeOnnx(model.bytes).nodes.map((node) => node.opType);
    for (const [operator, count] of Object.entries(one.uses)) {
      expect(operators.filter((name) => name === operator).length, operator).toBe(count);
    }
    expect(operators).not.toContain('Conv');
  });
});
