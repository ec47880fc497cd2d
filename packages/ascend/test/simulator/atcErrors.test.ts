/**
 * What the simulator's atc refuses, by error id (ascend.md 3.2): each case breaks one rule of a model or of a command line that works.
 */

import { describe, expect, test } from 'vitest';
import { type AtcInput, missing, runAtc } from './atc.ts';
import { type ModelInput, type NodeInput, onnxFile } from './onnxFile.ts';

const convolution = {
  kernel_shape: [3, 3],
  pads: [1, 1, 1, 1],
  strides: [1, 1],
  dilations: [1, 1],
  group: 1,
};
const conv: NodeInput = { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'], attributes: convolution };
const relu: NodeInput = { op: 'Relu', inputs: ['c'], outputs: ['y'] };
const good: ModelInput = {
  inputs: [
    ['x', 'float32', [1, 3, 8, 8]],
    ['w', 'float32', [4, 3, 3, 3]],
  ],
  outputs: [['y', 'float32', [1, 4, 8, 8]]],
  nodes: [conv, relu],
};
const model = onnxFile(good);
const open = onnxFile({
  ...good,
  inputs: [['x', 'float32', ['n', 3, 'h', 'w']], good.inputs[1] ?? ['w', 'float32', []]],
});
const shapes = 'x:-1,3,8,8';
const batches = { input_shape: shapes, dynamic_batch_size: '1,2' };
const images = { input_shape: 'x:1,3,-1,-1', dynamic_image_size: '8,8;16,16' };
const dims = { input_shape: 'x:-1,3,8,8', dynamic_dims: '1;2', input_format: 'ND' };

const shape = (values: readonly number[]) => ({ element: 'int64', dims: [values.length], values }) as const;
const one = (node: NodeInput, rest: Partial<ModelInput> = {}) =>
  onnxFile({
    inputs: [['x', 'float32', [2, 3, 8, 8]]],
    outputs: [['y', 'float32', []]],
    nodes: [node],
    ...rest,
  });
const aipp = (text: string): AtcInput => ({
  model,
  flags: { insert_op_conf: '@aipp.cfg' },
  files: { 'aipp.cfg': text },
});
const aippOp = (text: string) => aipp(`aipp_op { aipp_mode: static input_format: RGB888_U8 ${text} }`);

const cases: readonly (readonly [claim: string, id: string, input: AtcInput])[] = [
  ['a flag that does not exist', 'E10053', { model, flags: { nonsense: '1' } }],
  ['a flag out of its list', 'E10001', { model, flags: { op_select_implmode: 'fast' } }],
  ['a mode that does not exist', 'E10001', { model, flags: { mode: '2' } }],
  ['a switch that is not 0 or 1', 'E10006', { model, flags: { deterministic: '2' } }],
  ['a switch that is not true or false', 'E10005', { model, flags: { enable_single_stream: 'yes' } }],
  ['a log level that does not exist', 'E10010', { model, flags: { log: 'all' } }],
  ['a framework that does not exist', 'E10007', { model, flags: { framework: '2' } }],
  ['no framework', 'E10007', { model, flags: { framework: '' } }],
  ['Caffe without weights', 'E10008', { model, flags: { framework: '0' } }],
  ['TensorFlow', 'E10001', { model, flags: { framework: '3' } }],
  ['no chip', 'E10054', { model, flags: { soc_version: '' } }],
  ['no output', 'E10054', { model, flags: { output: '' } }],
  ['an unknown chip', 'E10001', { model, flags: { soc_version: 'Ascend910Z' } }],
  ['a chip whose kernels are not in the table', 'E10001', { model, flags: { soc_version: 'Ascend310' } }],
  ['no model file', 'E13000', {}],
  ['a folder as model', 'E13026', { flags: { model: '/tmp' } }],
  ['an output without a file name', 'E10022', { model, flags: { output: '/tmp/' } }],
  [
    'an output in a folder that is not there',
    'E13026',
    { model, flags: { output: '/tmp/omma/not/there/out' } },
  ],
  ['an output path too long', 'E10021', { model, flags: { output: `/tmp/${'x'.repeat(5000)}` } }],
  [
    'both precision flags',
    'E10056',
    { model, flags: { precision_mode: 'force_fp16', precision_mode_v2: 'origin' } },
  ],
  ['a precision mode out of the list', 'E10001', { model, flags: { precision_mode_v2: 'force_fp16' } }],
  ['a format that ONNX does not have', 'E10001', { model, flags: { input_format: 'NHWC' } }],
  [
    'an implementation list without its mode',
    'E10001',
    { model, flags: { optypelist_for_implmode: 'Conv' } },
  ],
  [
    'a raw option file',
    'E10055',
    { model, flags: { raw_ge_options: '@raw.json' }, files: { 'raw.json': '{}' } },
  ],
  [
    'a mixed list without a mixed mode',
    'E10001',
    { model, flags: { modify_mixlist: '@m.json' }, files: { 'm.json': '{}' } },
  ],
  [
    'a mixed list that is not JSON',
    'E10032',
    {
      model,
      flags: { modify_mixlist: '@m.json', precision_mode_v2: 'mixed_float16' },
      files: { 'm.json': '{' },
    },
  ],
  ['a file that is no model', 'E13005', { model: new Uint8Array([255, 255, 255, 255]) }],
  ['a model without a graph', 'E16004', { model: new Uint8Array() }],
  ['a model without outputs', 'E16001', { model: onnxFile({ ...good, outputs: [] }) }],
  [
    'a model whose only input is a constant',
    'E16001',
    {
      model: one(
        { op: 'Relu', inputs: ['x'], outputs: ['y'] },
        { constants: { x: { element: 'float32', dims: [1], values: [1] } } },
      ),
    },
  ],
  [
    'two opsets of one domain',
    'E16005',
    {
      model: onnxFile({
        ...good,
        opset: [
          ['', 17],
          ['', 13],
        ],
      }),
    },
  ],
  [
    'two nodes of one name',
    'E13009',
    {
      model: onnxFile({
        ...good,
        nodes: [
          { ...conv, name: 'a' },
          { ...relu, name: 'a' },
        ],
      }),
    },
  ],
  [
    'an operator that is not registered',
    'E16002',
    { model: one({ op: 'Gelu', inputs: ['x'], outputs: ['y'] }, { opset: 20 }) },
  ],
  ['an opset above 18', 'E16002', { model: onnxFile({ ...good, opset: 19 }) }],
  [
    'an operator below its first opset',
    'E16002',
    { model: one({ op: 'HardSwish', inputs: ['x'], outputs: ['y'] }, { opset: 13 }) },
  ],
  [
    'an operator of a foreign domain',
    'E16002',
    {
      model: one(
        { op: 'Foo', domain: 'mine', inputs: ['x'], outputs: ['y'] },
        {
          opset: [
            ['', 17],
            ['mine', 1],
          ],
        },
      ),
    },
  ],
  [
    'an opset above the release, named as that release does',
    'E19010',
    { model, environment: { OMMA_ASCEND_SIM_CANN: '6.0.1' }, flags: {} },
  ],
  [
    '--precision_mode_v2 before it existed',
    'E10053',
    { model, environment: { OMMA_ASCEND_SIM_CANN: '6.0.1' }, flags: { precision_mode_v2: 'origin' } },
  ],
  [
    'a cast whose type is not written',
    'E19999',
    { model: one({ op: 'CastLike', inputs: ['x', 'x'], outputs: ['y'] }) },
  ],
  ['an output that no node makes', 'E19999', { model: one({ op: 'Relu', inputs: ['x'], outputs: ['z'] }) }],
  ['an output node that is not there', 'E10016', { model, flags: { out_nodes: 'Foo_0:0' } }],
  ['an output index that is not there', 'E10016', { model, flags: { out_nodes: 'Relu_1:1' } }],
  ['an input shape for no input', 'E10016', { model, flags: { input_shape: 'z:1,3,8,8' } }],
  ['an input shape of another rank', 'E10049', { model, flags: { input_shape: 'x:1,3,8' } }],
  ['an input shape without a name', 'E10002', { model, flags: { input_shape: '1,3,8,8' } }],
  ['an input shape with a fraction', 'E10002', { model, flags: { input_shape: 'x:1,3,8.5,8' } }],
  ['an input shape with letters', 'E10002', { model, flags: { input_shape: 'x:1,3,a,8' } }],
  ['an input shape with a zero', 'E10011', { model, flags: { input_shape: 'x:0,3,8,8' } }],
  ['open dims without gears', 'E10001', { model: open, flags: { input_shape: shapes } }],
  ['open dims that the command line does not give', 'E10001', { model: open }],
  ['two kinds of gears', 'E10009', { model: open, flags: { ...batches, dynamic_dims: '1;2' } }],
  ['gears without shapes', 'E10004', { model: open, flags: { dynamic_batch_size: '1,2' } }],
  ['gears with a range', 'E10040', { model: open, flags: { ...batches, input_shape: 'x:1~2,3,8,8' } }],
  [
    'a batch gear beside the first dim',
    'E10018',
    { model: open, flags: { ...batches, input_shape: 'x:-1,3,-1,8' } },
  ],
  [
    'batch gears without an open batch',
    'E10031',
    { model: open, flags: { ...batches, input_shape: 'x:1,3,8,8' } },
  ],
  ['batch gears of a scalar', 'E10012', { model: open, flags: { ...batches, input_shape: 'x:-1,3,8,8;s:' } }],
  ['a batch that is no number', 'E10003', { model: open, flags: { ...batches, dynamic_batch_size: '1,a' } }],
  ['a batch of zero', 'E10038', { model: open, flags: { ...batches, dynamic_batch_size: '0,2' } }],
  ['one gear', 'E10035', { model: open, flags: { ...batches, dynamic_batch_size: '2' } }],
  [
    '101 gears',
    'E10036',
    {
      model: open,
      flags: { ...batches, dynamic_batch_size: Array.from({ length: 101 }, (_, i) => i + 1).join() },
    },
  ],
  ['a gear twice', 'E10039', { model: open, flags: { ...batches, dynamic_batch_size: '2,2' } }],
  [
    'image gears with an open batch',
    'E10019',
    { model: open, flags: { ...images, input_shape: 'x:-1,3,-1,-1' } },
  ],
  [
    'image gears of three numbers',
    'E10020',
    { model: open, flags: { ...images, dynamic_image_size: '8,8,8;1,1,1' } },
  ],
  ['image gears with format ND', 'E10003', { model: open, flags: { ...images, input_format: 'ND' } }],
  ['dims gears without format ND', 'E10001', { model: open, flags: { ...dims, input_format: 'NCHW' } }],
  ['dims gears of another length', 'E10003', { model: open, flags: { ...dims, dynamic_dims: '1,8;2,8' } }],
  ['dims gears without open dims', 'E10001', { model: open, flags: { ...dims, input_shape: 'x:1,3,8,8' } }],
  ['dims gears that are no numbers', 'E10001', { model: open, flags: { ...dims, dynamic_dims: '1;b' } }],
  [
    'dims gears with preprocessing',
    'E10001',
    { ...aippOp(''), model: open, flags: { ...dims, insert_op_conf: '@aipp.cfg' } },
  ],
  [
    'a convolution in float32 on a 910A',
    'EZ3003',
    { model, flags: { precision_mode_v2: 'origin', soc_version: 'Ascend910A' } },
  ],
  [
    'bfloat16 on a 310P',
    'E10001',
    { model, flags: { precision_mode_v2: 'mixed_bfloat16', soc_version: 'Ascend310P3' } },
  ],
  [
    'a kernel of 256',
    'E11010',
    {
      model: onnxFile({
        ...good,
        inputs: [
          ['x', 'float32', [1, 3, 256, 256]],
          ['w', 'float32', [4, 3, 256, 3]],
        ],
        nodes: [{ ...conv, attributes: { ...convolution, kernel_shape: [256, 3] } }, relu],
      }),
    },
  ],
  [
    'a transposition without perm',
    'E11010',
    { model: one({ op: 'Transpose', inputs: ['x'], outputs: ['y'] }) },
  ],
  [
    'a shape that is not constant',
    'E11010',
    {
      model: one(
        { op: 'Expand', inputs: ['x', 's'], outputs: ['y'] },
        {
          inputs: [
            ['x', 'float32', [2, 3, 8, 8]],
            ['s', 'int64', [4]],
          ],
        },
      ),
    },
  ],
  [
    'an empty result',
    'E19999',
    {
      model: one(
        { op: 'Slice', inputs: ['x', 'a', 'a', 'b'], outputs: ['y'] },
        { constants: { a: shape([1]), b: shape([0]) } },
      ),
    },
  ],
  [
    'shapes that do not fit',
    'E19999',
    {
      model: one(
        { op: 'Add', inputs: ['x', 'z'], outputs: ['y'] },
        {
          inputs: [
            ['x', 'float32', [2, 3]],
            ['z', 'float32', [2, 4]],
          ],
        },
      ),
    },
  ],
  [
    'two floating types in one node',
    'E19999',
    {
      model: one(
        { op: 'Add', inputs: ['x', 'z'], outputs: ['y'] },
        {
          inputs: [
            ['x', 'float32', [2, 3]],
            ['z', 'float16', [2, 3]],
          ],
        },
      ),
    },
  ],
  ['an output type that does not exist', 'E10001', { model, flags: { output_type: 'FP8' } }],
  ['an output type for no output', 'E10016', { model, flags: { output_type: 'Foo_0:0:FP16' } }],
  ['a float16 input that is not there', 'E10016', { model, flags: { input_fp16_nodes: 'z' } }],
  ['preprocessing that cannot be read', 'E13018', aipp('aipp_op { nonsense }')],
  ['preprocessing with an unknown field', 'E13018', aippOp('nonsense: 1')],
  ['preprocessing without a picture format', 'E10052', aipp('aipp_op { aipp_mode: static }')],
  ['dynamic preprocessing', 'E10052', aipp('aipp_op { aipp_mode: dynamic input_format: RGB888_U8 }')],
  ['resizing, which the chip does not have', 'E10052', aippOp('resize: true')],
  ['a fractional mean', 'E10052', aippOp('mean_chn_0: 123.675')],
  ['preprocessing of no input', 'E10052', aippOp('related_input_rank: 2')],
  [
    'a crop beyond the picture',
    'E10052',
    aippOp('src_image_size_w: 8 src_image_size_h: 8 crop: true load_start_pos_w: 1'),
  ],
  ['preprocessing to another size', 'E10052', aippOp('src_image_size_w: 16 src_image_size_h: 16')],
  [
    'preprocessing of image gears with a crop',
    'E10052',
    {
      ...aippOp('src_image_size_w: 16 src_image_size_h: 16 crop: true'),
      model: open,
      flags: { ...images, insert_op_conf: '@aipp.cfg' },
    },
  ],
  [
    'preprocessing of a float16 input',
    'E10034',
    { ...aippOp(''), flags: { insert_op_conf: '@aipp.cfg', input_fp16_nodes: 'x' } },
  ],
  [
    'an unknown operator in a precheck',
    'E13010',
    { model: one({ op: 'Gelu', inputs: ['x'], outputs: ['y'] }), flags: { mode: '3' } },
  ],
  [
    'information about no offline model',
    'E10041',
    { flags: { mode: '6', om: '@x.om' }, files: { 'x.om': 'not an offline model at all, only text' } },
  ],
  ['information without a file', 'E10004', { flags: { mode: '6' } }],
  ['an injected fault', 'EZ9999', { model, environment: { OMMA_ASCEND_SIM_FAULT: 'atc-fail' } }],
];

describe.skipIf(missing !== null)(`atc refuses${missing === null ? '' : ` (${missing})`}`, () => {
  test('nothing of a model that works', async () => {
    const { status, id, stdout, om } = await runAtc({ model });
    expect({ status, id }, stdout).toEqual({ status: 0, id: null });
    expect(stdout.startsWith('ATC start working now, please wait for a moment.\n')).toBe(true);
    expect(stdout).toContain('ATC run success, welcome to the next use.');
    expect(om?.header.outputs[0]?.name).toBe('Relu_1:0:y');
  });

  test.each(cases)('%s: %s', async (_, id, input) => {
    const result = await runAtc(input);
    expect({ status: result.status, id: result.id }, result.stdout).toEqual({ status: 255, id });
    expect(result.stdout).toContain('ATC run failed, Please check the detail log');
    expect(result.om).toBeNull();
  });
});
