/** What the simulator's atc writes: names, sizes, gears and preprocessing of the offline model. */

import { fromFloat16, type HostTensor, hostTensor, toFloat16 } from '@omma/core';
import { openOnnx } from '@omma/onnx';
import { describe, expect, test } from 'vitest';
import { type AtcInput, missing, type OfflineModel, runAtc } from './atc.ts';
import { onnxFile } from './onnxFile.ts';

async function build(input: AtcInput): Promise<OfflineModel> {
  const result = await runAtc(input);
  expect(result.status, result.stdout).toBe(0);
  if (result.om === null) throw new Error('atc wrote no model');
  return result.om;
}

async function run(
  model: OfflineModel,
  feeds: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor>> {
  const session = await openOnnx(model.onnx, { threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

const images = onnxFile({
  inputs: [['x', 'float32', ['n', 3, 'h', 'w']]],
  outputs: [['y', 'float32', []]],
  nodes: [
    { op: 'Relu', name: 'relu', inputs: ['x'], outputs: ['r'] },
    { op: 'Neg', name: 'neg', inputs: ['r'], outputs: ['y'] },
  ],
});
const picture = onnxFile({
  inputs: [['x', 'float32', [1, 3, 4, 6]]],
  outputs: [['y', 'float32', []]],
  nodes: [{ op: 'Identity', name: 'copy', inputs: ['x'], outputs: ['y'] }],
});

describe.skipIf(missing !== null)(`offline models${missing === null ? '' : ` (${missing})`}`, () => {
  test('say where they may run, their ports and their sizes', async () => {
    const { header } = await build({ model: images, flags: { input_shape: 'x:2,3,4,5' } });
    expect(header.socVersion).toBe('Ascend910B3');
    expect(header.socFamily).toBe('Ascend910B');
    expect(header.precisionMode).toBe('fp16');
    expect(header.inputs.map(({ name, dims, bytes, format }) => ({ name, dims, bytes, format }))).toEqual([
      { name: 'x', dims: [2, 3, 4, 5], bytes: 480, format: 0 },
    ]);
    expect(header.outputs.map(({ name, dims, bytes }) => ({ name, dims, bytes }))).toEqual([
      { name: 'neg:0:y', dims: [2, 3, 4, 5], bytes: 480 },
    ]);
    expect(header.gears).toEqual({ kind: 'none', values: [] });
  });

  test('have the outputs that --out_nodes names, under short names', async () => {
    const { header } = await build({
      model: images,
      flags: { input_shape: 'x:2,3,4,5', out_nodes: 'relu:0;y' },
    });
    expect(header.outputs.map((output) => [output.name, output.onnxName])).toEqual([
      ['relu:0', 'r'],
      ['neg:0', 'y'],
    ]);
  });

  test('count constants and the intermediate values that are alive together', async () => {
    const model = onnxFile({
      inputs: [['x', 'float32', [1, 256]]],
      outputs: [['y', 'float32', []]],
      nodes: [
        { op: 'Mul', inputs: ['x', 'k'], outputs: ['a'] },
        { op: 'Relu', inputs: ['a'], outputs: ['b'] },
        { op: 'Add', inputs: ['a', 'b'], outputs: ['y'] },
      ],
      constants: { k: { element: 'float32', dims: [1], values: [2] } },
    });
    const { header } = await build({ model });
    expect(header.weightBytes).toBe(4);
    expect(header.workBytes).toBe(2 * 1024);
  });

  test('leave out what no output needs, and give unnamed nodes a name', async () => {
    const model = onnxFile({
      inputs: [['x', 'float32', [4]]],
      outputs: [['y', 'float32', []]],
      nodes: [
        { op: 'Erf', name: '', inputs: ['x'], outputs: ['unused'] },
        { op: 'Relu', name: '', inputs: ['x'], outputs: ['y'] },
      ],
    });
    const { header, onnx } = await build({ model, flags: { precision_mode_v2: 'origin' } });
    expect(header.outputs[0]?.name).toBe('Relu_1:0:y');
    expect(new TextDecoder('latin1').decode(onnx)).not.toContain('Erf');
  });

  test.each([
    [
      'batch',
      { input_shape: 'x:-1,3,4,5', dynamic_batch_size: '4,1,2' },
      [[4], [1], [2]],
      [-1, 3, 4, 5],
      [
        [4, 3, 4, 5],
        [1, 3, 4, 5],
        [2, 3, 4, 5],
      ],
    ],
    [
      'image',
      { input_shape: 'x:1,3,-1,-1', dynamic_image_size: '4,5;8,6' },
      [
        [4, 5],
        [8, 6],
      ],
      [1, 3, -1, -1],
      [
        [1, 3, 4, 5],
        [1, 3, 8, 6],
      ],
    ],
    [
      'dims',
      { input_shape: 'x:-1,3,-1,5', dynamic_dims: '1,4;2,8', input_format: 'ND' },
      [
        [1, 4],
        [2, 8],
      ],
      [-1, 3, -1, 5],
      [
        [1, 3, 4, 5],
        [2, 3, 8, 5],
      ],
    ],
  ])(
    '%s gears: open dims, an extra last input, the largest gear as size, every gear runs',
    async (kind, flags, values, dims, gearDims) => {
      const model = await build({ model: images, flags: { ...flags, precision_mode_v2: 'origin' } });
      const { inputs, outputs, gears } = model.header;
      expect(gears).toEqual({ kind, values });
      expect(inputs.map((input) => input.name)).toEqual(['x', 'ascend_mbatch_shape_data']);
      expect(inputs[0]).toMatchObject({ dims, gearDims });
      expect(inputs[1]).toMatchObject({
        onnxName: '',
        dataType: 9,
        dims: [values[0]?.length],
        bytes: 8 * (values[0]?.length ?? 0),
      });
      const sizes = gearDims.map((each) => each.reduce((count, dim) => count * dim, 4));
      const largest = sizes.indexOf(Math.max(...sizes));
      expect(inputs[0]?.bytes).toBe(sizes[largest]);
      expect(outputs[0]).toMatchObject({ dims: gearDims[largest], gearDims, bytes: sizes[largest] });
      for (const shape of gearDims) {
        const data = Float32Array.from(
          { length: shape.reduce((count, dim) => count * dim, 1) },
          (_, i) => i - 20,
        );
        const { y } = await run(model, { x: hostTensor(shape, 'float32', data) });
        expect(y?.shape).toEqual(shape);
        expect(y?.data).toEqual(data.map((value) => -Math.max(value, 0)));
      }
    },
  );

  test('a gear in which shapes do not fit is refused', async () => {
    const model = onnxFile({
      inputs: [['x', 'float32', ['n', 4]]],
      outputs: [['y', 'float32', []]],
      nodes: [{ op: 'Reshape', inputs: ['x', 's'], outputs: ['y'] }],
      constants: { s: { element: 'int64', dims: [2], values: [3, -1] } },
    });
    const result = await runAtc({ model, flags: { input_shape: 'x:-1,4', dynamic_batch_size: '3,4' } });
    expect(result.id).toBe('E19999');
  });
});

/** Bytes of a picture, NHWC, and the pixel of channel c. */
function pixels(height: number, width: number, channels: number): Uint8Array {
  return Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 37 + 11) % 256);
}

const half = (value: number) => fromFloat16(toFloat16(value));

interface AippCase {
  readonly claim: string;
  readonly config: string;
  readonly source: readonly [height: number, width: number, channels: number];
  /** The value of channel c at row y, column x of the model's input. */
  readonly expected: (
    at: (y: number, x: number, c: number) => number,
    c: number,
    y: number,
    x: number,
  ) => number;
}

const reciprocals = [0.017125, 0.017507, 0.01743];
const means = [124, 116, 104];
const normalisation = means
  .map((mean, i) => `mean_chn_${i}: ${mean} var_reci_chn_${i}: ${reciprocals[i]}`)
  .join('\n');
const yuv = [
  [66, 129, 25],
  [-38, -74, 112],
  [112, -94, -18],
];
const matrix = yuv.flatMap((row, r) => row.map((value, c) => `matrix_r${r}c${c}: ${value}`)).join('\n');

const aippCases: readonly AippCase[] = [
  {
    claim: 'bytes become numbers',
    config: 'input_format: RGB888_U8',
    source: [4, 6, 3],
    expected: (at, c, y, x) => at(y, x, c),
  },
  {
    claim: 'red and blue are swapped',
    config: 'input_format: RGB888_U8 rbuv_swap_switch: true',
    source: [4, 6, 3],
    expected: (at, c, y, x) => at(y, x, 2 - c),
  },
  {
    claim: 'the fourth channel goes to the end and is dropped',
    config: 'input_format: XRGB8888_U8 ax_swap_switch: true',
    source: [4, 6, 4],
    expected: (at, c, y, x) => at(y, x, c + 1),
  },
  {
    claim: 'out = (in - mean - min) * reciprocal, min and reciprocal in float16',
    config: `input_format: RGB888_U8 ${normalisation} min_chn_1: 0.3`,
    source: [4, 6, 3],
    expected: (at, c, y, x) =>
      Math.fround(
        Math.fround(at(y, x, c) - (means[c] ?? 0) - (c === 1 ? half(0.3) : 0)) * half(reciprocals[c] ?? 0),
      ),
  },
  {
    claim: 'a part is cut out, then padded',
    config: `input_format: RGB888_U8 src_image_size_h: 10 src_image_size_w: 12
      crop: true load_start_pos_h: 2 load_start_pos_w: 3 crop_size_h: 3 crop_size_w: 3
      padding: true top_padding_size: 1 left_padding_size: 2 right_padding_size: 1 padding_value: 7 # three columns`,
    source: [10, 12, 3],
    expected: (at, c, y, x) => (y < 1 || x < 2 || x > 4 ? 7 : at(y - 1 + 2, x - 2 + 3, c)),
  },
  {
    claim: 'colours go through the matrix, shifted by 8 bits, and get their bias',
    config: `input_format: RGB888_U8 csc_switch: true ${matrix} output_bias_0: 16 output_bias_1: 128 output_bias_2: 128`,
    source: [4, 6, 3],
    expected: (at, c, y, x) => {
      const sum = (yuv[c] ?? []).reduce((total, factor, from) => total + factor * at(y, x, from), 0);
      return Math.min(255, Math.max(0, (sum >> 8) + (c === 0 ? 16 : 128)));
    },
  },
];

describe.skipIf(missing !== null)('preprocessing by AIPP', () => {
  test.each(aippCases)('$claim', async ({ config, source, expected }) => {
    const model = await build({
      model: picture,
      flags: { insert_op_conf: '@aipp.cfg', precision_mode_v2: 'origin' },
      files: { 'aipp.cfg': `aipp_op {\n aipp_mode: static\n related_input_rank: 0\n ${config}\n}\n` },
    });
    const [height, width, channels] = source;
    expect(model.header.inputs[0]).toMatchObject({
      dataType: 4,
      format: 1,
      dims: [1, height, width, channels],
      originDims: [1, 3, 4, 6],
      bytes: height * width * channels,
    });
    const bytes = pixels(height, width, channels);
    const at = (y: number, x: number, c: number) => bytes[(y * width + x) * channels + c] ?? Number.NaN;
    const { y } = await run(model, { x: hostTensor([1, height, width, channels], 'uint8', bytes) });
    const wanted = Array.from({ length: 3 * 4 * 6 }, (_, i) =>
      half(expected(at, Math.floor(i / 24), Math.floor(i / 6) % 4, i % 6)),
    );
    expect(y?.shape).toEqual([1, 3, 4, 6]);
    expect(Array.from(y?.data ?? [])).toEqual(wanted);
  });

  test('with batch gears the picture has an open batch', async () => {
    const model = await build({
      model: onnxFile({
        inputs: [['x', 'float32', ['n', 3, 4, 6]]],
        outputs: [['y', 'float32', []]],
        nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      }),
      flags: { insert_op_conf: '@aipp.cfg', input_shape: 'x:-1,3,4,6', dynamic_batch_size: '1,2' },
      files: { 'aipp.cfg': 'aipp_op { aipp_mode: static input_format: RGB888_U8 }' },
    });
    expect(model.header.inputs[0]).toMatchObject({
      dims: [-1, 4, 6, 3],
      gearDims: [
        [1, 4, 6, 3],
        [2, 4, 6, 3],
      ],
      bytes: 144,
    });
    const { y } = await run(model, { x: hostTensor([2, 4, 6, 3], 'uint8', pixels(8, 6, 3)) });
    expect(y?.shape).toEqual([2, 3, 4, 6]);
  });
});
