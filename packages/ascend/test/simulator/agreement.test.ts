/**
 * The operator table is read twice, by `checkNode` in TypeScript and by the simulator's atc in C++: on the same models they must come to the same
 * verdicts, chip by chip and precision by precision.
 */

import { describeOnnx } from '@omma/onnx';
import { describe, expect, test } from 'vitest';
import { checkNode, targetFor } from '../../src/index.ts';
import { missing, runAtc } from './atc.ts';
import { type Element, type ModelInput, type NodeInput, onnxFile } from './onnxFile.ts';

type Place = 'aiCore' | 'aiCpu' | 'fails';
type Constants = NonNullable<ModelInput['constants']>;

const image = [2, 4, 8, 8] as const;
const integers = (...values: number[]) => ({ element: 'int64', dims: [values.length], values }) as const;
const floats = (...values: number[]) => ({ element: 'float32', dims: [values.length], values }) as const;
const weights = {
  element: 'float32',
  dims: [4, 4, 3, 3],
  values: Array.from({ length: 144 }, () => 0.5),
} as const;
const convolution = {
  kernel_shape: [3, 3],
  pads: [1, 1, 1, 1],
  strides: [1, 1],
  dilations: [1, 1],
  group: 1,
};
const pooling = { kernel_shape: [2, 2], strides: [2, 2] };

/** One node on x, an image unless said otherwise. */
function single(
  op: string,
  attributes: NonNullable<NodeInput['attributes']> = {},
  constants: Constants = {},
  rest: {
    element?: Element;
    dims?: readonly number[];
    opset?: number;
    outputs?: readonly string[];
    inputs?: readonly string[];
  } = {},
): Uint8Array {
  const {
    element = 'float32',
    dims = image,
    opset = 17,
    outputs = ['y'],
    inputs = ['x', ...Object.keys(constants)],
  } = rest;
  return onnxFile({
    inputs: [['x', element, dims]],
    outputs: [['y', element, []]],
    nodes: [{ op, inputs, outputs, attributes }],
    constants,
    opset,
  });
}

const models: Readonly<Record<string, Uint8Array>> = {
  Conv: single('Conv', convolution, { w: weights }),
  'Conv with strides of 64': single('Conv', { ...convolution, strides: [64, 64] }, { w: weights }),
  'Conv without attributes': single('Conv', {}, { w: weights }),
  ConvTranspose: single('ConvTranspose', convolution, { w: weights }),
  MatMul: single(
    'MatMul',
    {},
    { w: { element: 'float32', dims: [8, 8], values: weights.values.slice(0, 64) } },
  ),
  MaxPool: single('MaxPool', pooling),
  'MaxPool with places': single('MaxPool', pooling, {}, { outputs: ['y', 'places'] }),
  AveragePool: single('AveragePool', pooling),
  GlobalAveragePool: single('GlobalAveragePool'),
  Relu: single('Relu'),
  'Relu of int32': single('Relu', {}, {}, { element: 'int32' }),
  Softplus: single('Softplus'),
  HardSwish: single('HardSwish'),
  'HardSwish below its opset': single('HardSwish', {}, {}, { opset: 13 }),
  'Gelu, which no release has': single('Gelu', {}, {}, { opset: 17 }),
  Erf: single('Erf'),
  'Add of int32': single('Add', {}, {}, { element: 'int32', inputs: ['x', 'x'] }),
  'ReduceSum with constant axes': single('ReduceSum', {}, { axes: integers(2, 3) }),
  'ReduceMax without axes': single('ReduceMax'),
  Transpose: single('Transpose', { perm: [0, 2, 3, 1] }),
  'Transpose without perm': single('Transpose'),
  Slice: single(
    'Slice',
    {},
    { starts: integers(1), ends: integers(3), axes: integers(2), steps: integers(1) },
  ),
  'Slice with a step in the last axis': single(
    'Slice',
    {},
    { starts: integers(0), ends: integers(8), axes: integers(3), steps: integers(2) },
  ),
  'Slice of a vector': single('Slice', {}, { starts: integers(1), ends: integers(3) }, { dims: [8] }),
  Gather: single('Gather', { axis: 1 }, { indices: integers(0, 3) }),
  TopK: single('TopK', {}, { k: integers(2) }, { outputs: ['y', 'i'] }),
  Pad: single('Pad', {}, { pads: integers(0, 0, 1, 1, 0, 0, 1, 1) }),
  'Resize, nearest': single(
    'Resize',
    { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' },
    { roi: floats(), scales: floats(1, 1, 2, 2) },
  ),
  'Resize, nearest with rounding': single(
    'Resize',
    { mode: 'nearest' },
    { roi: floats(), scales: floats(1, 1, 2, 2) },
  ),
  'Resize, linear': single('Resize', { mode: 'linear' }, { roi: floats(), scales: floats(1, 1, 2, 2) }),
  CumSum: single('CumSum', {}, { axis: { element: 'int64', dims: [], values: [1] } }),
  'Cast to float16': single('Cast', { to: 10 }),
  'Cast to bfloat16': single('Cast', { to: 16 }),
  'Cast to float64': single('Cast', { to: 11 }),
  'Where with its condition computed': onnxFile({
    inputs: [['x', 'float32', image]],
    outputs: [['y', 'float32', []]],
    nodes: [
      { op: 'Greater', inputs: ['x', 'zero'], outputs: ['c'] },
      { op: 'Where', inputs: ['c', 'x', 'zero'], outputs: ['y'] },
    ],
    constants: { zero: floats(0) },
  }),
};

const socs = ['Ascend910B3', 'Ascend910A', 'Ascend310P3'] as const;
const precisions = ['origin', 'fp16'] as const;
const order: readonly Place[] = ['aiCore', 'aiCpu', 'fails'];

/** The worst place of any node. */
function checked(bytes: Uint8Array, soc: string, precision: string): Place {
  const facts = describeOnnx(bytes);
  const target = targetFor(soc, '8.1.RC1', precision);
  const places = facts.nodes.map((node) => checkNode(node, facts.opsets, target).place);
  return order[Math.max(...places.map((place) => order.indexOf(place)))] ?? 'aiCore';
}

async function compiled(bytes: Uint8Array, soc: string, precision: string): Promise<Place> {
  const result = await runAtc({ model: bytes, flags: { soc_version: soc, precision_mode_v2: precision } });
  if (result.om === null) {
    expect(['E16002', 'E11010', 'EZ3003'], result.stdout).toContain(result.id);
    return 'fails';
  }
  return result.om.header.aiCpuNodes.length > 0 ? 'aiCpu' : 'aiCore';
}

describe.skipIf(missing !== null)(`checkNode and atc agree${missing === null ? '' : ` (${missing})`}`, () => {
  test.each(Object.entries(models))('on %s', async (_, bytes) => {
    const targets = socs.flatMap((soc) => precisions.map((precision) => ({ soc, precision })));
    const places = targets.map(({ soc, precision }) => compiled(bytes, soc, precision));
    const found = (await Promise.all(places)).map((place, i) => ({ ...targets[i], place }));
    expect(found).toEqual(
      targets.map((target) => ({ ...target, place: checked(bytes, target.soc, target.precision) })),
    );
  });

  test('and the models come to every verdict', () => {
    const places = Object.values(models).flatMap((bytes) => socs.map((soc) => checked(bytes, soc, 'origin')));
    expect(new Set(places)).toEqual(new Set(order));
  });
});
