/**
 * In which number format the simulator's atc makes each node compute, mode by mode, told from the results: products of numbers with 13 bits after
 * the point need 26 bits, so float32, float16 and bfloat16 give three different ones.
 */

import { fromBfloat16, fromFloat16, hostTensor, toBfloat16, toFloat16 } from '@omma/core';
import { openOnnx } from '@omma/onnx';
import { describe, expect, test } from 'vitest';
import { type AtcInput, missing, runAtc } from './atc.ts';
import { type ModelInput, type NodeInput, onnxFile } from './onnxFile.ts';

type Round = (value: number) => number;
const float32: Round = Math.fround;
const float16: Round = (value) => fromFloat16(toFloat16(value));
const bfloat16: Round = (value) => fromBfloat16(toBfloat16(value));

const a = [1.00048828125, -0.7001953125, 3.14159274, 1e-5];
const b = [0.999755859375, 1.2001953125, 2.71828175, 1e-4];
const vector = (values: readonly number[]) =>
  hostTensor([1, values.length], 'float32', Float32Array.from(values));

/** x and z are 1x4; `node` makes c from them (or from the product p = x · diagonal(z), of the matrix unit). */
function chain(nodes: readonly NodeInput[], rest: Partial<ModelInput> = {}): Uint8Array {
  return onnxFile({
    inputs: [
      ['x', 'float32', [1, 4]],
      ['z', 'float32', [1, 4]],
      ['m', 'float32', [4, 4]],
    ],
    outputs: [['y', 'float32', [1, 4]]],
    nodes,
    ...rest,
  });
}
const product: NodeInput = { op: 'MatMul', inputs: ['x', 'm'], outputs: ['p'] };
const add: NodeInput = { op: 'Add', inputs: ['p', 'z'], outputs: ['y'] };
const addReversed: NodeInput = { op: 'Add', inputs: ['z', 'p'], outputs: ['y'] };
const exact: NodeInput = { op: 'Identity', inputs: ['p'], outputs: ['y'] };
const axes = { element: 'int64', dims: [1], values: [1] } as const;

async function compute(input: AtcInput, names: readonly string[] = ['x', 'z', 'm']): Promise<number[]> {
  const result = await runAtc(input);
  expect(result.status, result.stdout).toBe(0);
  if (result.om === null) throw new Error('atc wrote no model');
  const diagonal = new Float32Array(16);
  for (const [i, value] of b.entries()) diagonal[i * 5] = value;
  const all = { x: vector(a), z: vector(b), m: hostTensor([4, 4], 'float32', diagonal) };
  const model = await openOnnx(result.om.onnx, { threads: 1 });
  try {
    const feeds = Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
    const outputs = await model.run(feeds);
    const y = outputs.y;
    if (y === undefined) throw new Error('the model has no output y');
    return y.dtype === 'float16' ? Array.from(y.data, fromFloat16) : Array.from(y.data);
  } finally {
    await model.dispose();
  }
}

/** x · diagonal(b) with operands and result in a format. */
const products = (operand: Round, result: Round) =>
  a.map((x, i) => result(float32(operand(x) * operand(b[i] ?? 0))));
const sums = (left: readonly number[], operand: Round, result: Round) =>
  left.map((x, i) => result(float32(operand(x) + operand(b[i] ?? 0))));

interface Case {
  readonly claim: string;
  readonly nodes: readonly NodeInput[];
  readonly flags: Readonly<Record<string, string>>;
  readonly expected: readonly number[];
  readonly files?: Readonly<Record<string, string>>;
}

const low = products(float16, float16);
const cases: readonly Case[] = [
  {
    claim: 'the default is float16 everywhere',
    nodes: [product, add],
    flags: {},
    expected: sums(low, float16, float16),
  },
  {
    claim: 'force_fp16 is the same',
    nodes: [product, add],
    flags: { precision_mode: 'force_fp16' },
    expected: sums(low, float16, float16),
  },
  {
    claim: 'origin keeps float32',
    nodes: [product, add],
    flags: { precision_mode_v2: 'origin' },
    expected: sums(products(float32, float32), float32, float32),
  },
  {
    claim: 'must_keep_origin_dtype is the same',
    nodes: [product, add],
    flags: { precision_mode: 'must_keep_origin_dtype' },
    expected: sums(products(float32, float32), float32, float32),
  },
  {
    claim: 'cube_fp16in_fp32out rounds what the matrix unit reads and nothing else',
    nodes: [product, add],
    flags: { precision_mode_v2: 'cube_fp16in_fp32out' },
    expected: sums(products(float16, float32), float32, float32),
  },
  {
    claim: 'force_fp32 is the same',
    nodes: [product, add],
    flags: { precision_mode: 'force_fp32' },
    expected: sums(products(float16, float32), float32, float32),
  },
  {
    claim: 'allow_fp32_to_fp16 lowers the matrix unit only',
    nodes: [product, add],
    flags: { precision_mode: 'allow_fp32_to_fp16' },
    expected: sums(low, float32, float32),
  },
  {
    claim: 'allow_fp32_to_bf16 keeps what the chip computes in float32',
    nodes: [product, add],
    flags: { precision_mode: 'allow_fp32_to_bf16' },
    expected: sums(products(float32, float32), float32, float32),
  },
  {
    claim: 'mixed_float16: white computes in float16 and grey follows its first input',
    nodes: [product, add],
    flags: { precision_mode_v2: 'mixed_float16' },
    expected: sums(low, float16, float16),
  },
  {
    claim: 'mixed_float16: grey whose first input is an input of the model stays in float32',
    nodes: [product, addReversed],
    flags: { precision_mode_v2: 'mixed_float16' },
    expected: sums(low, float32, float32),
  },
  {
    claim: 'mixed_float16: black computes in float32',
    nodes: [
      product,
      { op: 'ReduceSum', inputs: ['p', 'axes'], outputs: ['s'] },
      { op: 'Add', inputs: ['s', 'z'], outputs: ['y'] },
    ],
    flags: { precision_mode_v2: 'mixed_float16' },
    expected: b.map((z) => float32(low.reduce((sum, each) => float32(sum + each), 0) + z)),
  },
  {
    claim: 'mixed_float16: grey sees through a widening Cast',
    nodes: [
      product,
      { op: 'Cast', inputs: ['p'], outputs: ['wide'], attributes: { to: 1 } },
      { ...add, inputs: ['wide', 'z'] },
    ],
    flags: { precision_mode_v2: 'mixed_float16' },
    expected: sums(products(float16, float16), float16, float16),
  },
  {
    claim: 'allow_mix_precision is mixed_float16',
    nodes: [product, addReversed],
    flags: { precision_mode: 'allow_mix_precision' },
    expected: sums(low, float32, float32),
  },
  {
    claim: 'mixed_bfloat16: white computes in bfloat16',
    nodes: [product, addReversed],
    flags: { precision_mode_v2: 'mixed_bfloat16' },
    expected: sums(products(bfloat16, bfloat16), float32, float32),
  },
  {
    claim: '--keep_dtype keeps a node by name',
    nodes: [product, add],
    flags: { keep_dtype: '@keep.cfg' },
    files: { 'keep.cfg': 'Add_1\n' },
    expected: sums(low, float32, float32),
  },
  {
    claim: '--keep_dtype keeps nodes by type',
    nodes: [product, add],
    flags: { keep_dtype: '@keep.cfg' },
    files: { 'keep.cfg': 'OpType::BatchMatMulV2\n' },
    expected: sums(products(float32, float32), float16, float16),
  },
  {
    claim: '--modify_mixlist makes an operator black',
    nodes: [product, add],
    flags: { precision_mode_v2: 'mixed_float16', modify_mixlist: '@mix.json' },
    files: { 'mix.json': JSON.stringify({ 'black-list': { 'to-add': ['Add'] } }) },
    expected: sums(low, float32, float32),
  },
  {
    claim: '--modify_mixlist takes an operator off a list',
    nodes: [product, exact],
    flags: { precision_mode_v2: 'mixed_float16', modify_mixlist: '@mix.json' },
    files: { 'mix.json': JSON.stringify({ 'white-list': { 'to-remove': ['BatchMatMulV2'] } }) },
    expected: products(float32, float32),
  },
  {
    claim: 'Casts of the model round under origin',
    nodes: [
      { op: 'Cast', inputs: ['x'], outputs: ['h'], attributes: { to: 10 } },
      { op: 'Cast', inputs: ['z'], outputs: ['k'], attributes: { to: 10 } },
      { op: 'Mul', inputs: ['h', 'k'], outputs: ['q'] },
      { op: 'Cast', inputs: ['q'], outputs: ['y'], attributes: { to: 1 } },
    ],
    flags: { precision_mode_v2: 'origin' },
    expected: low,
  },
];

describe.skipIf(missing !== null)(`precision modes${missing === null ? '' : ` (${missing})`}`, () => {
  test('the three formats give three results', () => {
    const results = [float32, float16, bfloat16].map((round) => products(round, round).join());
    expect(new Set(results).size).toBe(3);
  });

  test.each(cases)('$claim', async ({ nodes, flags, expected, files }) => {
    const used = nodes.flatMap((node) => node.inputs);
    const constants = used.includes('axes') ? { axes } : {};
    const y = await compute({ model: chain(nodes, { constants }), flags, ...(files ? { files } : {}) });
    expect(y).toEqual(expected);
  });

  test('a 910A computes convolutions in float16 under mixed_float16 and its logarithm in float32', async () => {
    const nodes: NodeInput[] = [
      { op: 'Reshape', inputs: ['x', 'shape'], outputs: ['image'] },
      {
        op: 'Conv',
        inputs: ['image', 'k'],
        outputs: ['q'],
        attributes: { kernel_shape: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] },
      },
      { op: 'Abs', inputs: ['q'], outputs: ['r'] },
      { op: 'Log', inputs: ['r'], outputs: ['y'] },
    ];
    const k = b[1] ?? 0;
    const model = chain(nodes, {
      inputs: [['x', 'float32', [1, 4]]],
      constants: {
        shape: { element: 'int64', dims: [4], values: [1, 1, 2, 2] },
        k: { element: 'float32', dims: [1, 1, 1, 1], values: [k] },
      },
    });
    const y = await compute(
      { model, flags: { precision_mode_v2: 'mixed_float16', soc_version: 'Ascend910A' } },
      ['x'],
    );
    const expected = a.map((x) => Math.log(Math.abs(float16(float32(float16(x) * float16(k))))));
    // Two float32 logarithms differ by a unit in the last place or two; float16 would differ by 2^-11.
    for (const [i, value] of expected.entries())
      expect(Math.abs((y[i] ?? 0) - value)).toBeLessThan(Math.abs(value) * 2 ** -21);
  });

  test.each([
    ['Ascend910A', 65504],
    ['Ascend310P3', 65504],
    ['Ascend910B3', Number.POSITIVE_INFINITY],
  ])('float16 results beyond the range on %s become %d', async (soc, largest) => {
    const nodes: NodeInput[] = [
      { op: 'Mul', inputs: ['x', 'big'], outputs: ['q'] },
      { op: 'Mul', inputs: ['q', 'q'], outputs: ['y'] },
    ];
    const model = chain(nodes, {
      inputs: [['x', 'float32', [1, 4]]],
      constants: { big: { element: 'float32', dims: [1], values: [1000] } },
    });
    const y = await compute({ model, flags: { soc_version: soc } }, ['x']);
    expect(y.slice(0, 3)).toEqual([largest, largest, largest]);
  });

  test('what is not a number stays that on a chip that saturates', async () => {
    const nodes: NodeInput[] = [
      { op: 'Sub', inputs: ['x', 'x'], outputs: ['zero'] },
      { op: 'Div', inputs: ['zero', 'zero'], outputs: ['y'] },
    ];
    const model = chain(nodes, { inputs: [['x', 'float32', [1, 4]]] });
    const y = await compute({ model, flags: { soc_version: 'Ascend910A' } }, ['x']);
    expect(y).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  });

  test.each([
    ['1', 65504],
    ['0', Number.POSITIVE_INFINITY],
  ])('--is_weight_clip=%s makes a constant of 1e6 %d', async (is_weight_clip, largest) => {
    const model = chain([{ op: 'Max', inputs: ['x', 'big'], outputs: ['y'] }], {
      inputs: [['x', 'float32', [1, 4]]],
      constants: { big: { element: 'float32', dims: [1], values: [1e6] } },
    });
    expect(await compute({ model, flags: { is_weight_clip } }, ['x'])).toEqual([
      largest,
      largest,
      largest,
      largest,
    ]);
  });

  test('inputs and outputs keep the types of the model, and change by flag', async () => {
    const model = chain([product, add]);
    const kept = await runAtc({ model });
    expect(kept.om?.header.inputs.map((input) => input.dataType)).toEqual([0, 0, 0]);
    expect(kept.om?.header.outputs.map((output) => output.dataType)).toEqual([0]);
    const changed = await runAtc({ model, flags: { output_type: 'FP16', input_fp16_nodes: 'x' } });
    expect(changed.om?.header.inputs.map((input) => [input.dataType, input.bytes])).toEqual([
      [1, 8],
      [0, 16],
      [0, 64],
    ]);
    expect(changed.om?.header.outputs.map((output) => [output.dataType, output.bytes])).toEqual([[1, 8]]);
    expect(await compute({ model, flags: { output_type: 'FP16' } })).toEqual(sums(low, float16, float16));
  });

  test('operators without an AI Core kernel run on AI CPU and are warned about', async () => {
    const model = chain([{ op: 'TopK', inputs: ['x', 'k'], outputs: ['y', 'i'] }], {
      inputs: [['x', 'float32', [1, 4]]],
      constants: { k: { element: 'int64', dims: [1], values: [2] } },
    });
    const flags = { precision_mode_v2: 'origin', soc_version: 'Ascend910A' };
    const result = await runAtc({ model, flags });
    expect(result.om?.header.aiCpuNodes).toEqual(['TopK_0']);
    expect(result.id).toBe('W11001');
    expect(result.status).toBe(0);
    const fp16 = await runAtc({ model, flags: { soc_version: 'Ascend910A' } });
    expect(fp16.om?.header.aiCpuNodes).toEqual([]);
  });
});
