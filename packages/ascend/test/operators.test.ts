/** The operator table says what its sources say, every row is well formed, and verdicts on nodes follow. */

import type { NodeFacts, OnnxElement, ValueFacts } from '@omma/onnx';
import { describe, expect, it } from 'vitest';
import {
  checkNode,
  compareVersions,
  findSoc,
  findToolkit,
  hasOpset,
  kernelRow,
  kernelRows,
  operatorRows,
  type Precision,
  socNames,
  targetFor,
  toolkitVersions,
} from '../src/operators/index.ts';

function value(
  type: OnnxElement,
  shape: readonly number[],
  values: readonly number[] | null = null,
): ValueFacts {
  return { type, shape, constant: values !== null, values };
}

function node(
  opType: string,
  inputs: readonly (ValueFacts | null)[],
  attributes: Readonly<Record<string, number | string | readonly number[]>> = {},
  outputs = 1,
): NodeFacts {
  const output = value('float32', []);
  return {
    name: 'node',
    domain: '',
    opType,
    attributes: new Map(Object.entries(attributes)),
    inputs,
    outputs: Array.from({ length: outputs }, () => output),
  };
}

function verdict(
  facts: NodeFacts,
  { soc = 'Ascend910B3', cann = '8.1.RC1', opset = 17, precision = 'origin' as Precision } = {},
) {
  return checkNode(facts, new Map([['', opset]]), targetFor(soc, cann, precision));
}

const picture = value('float32', [1, 8, 16, 16]);
const weight = value('float32', [8, 8, 3, 3]);
const conv = { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };

describe('the table', () => {
  it('has no operator twice and no kernel twice', () => {
    const operators = operatorRows().map(({ domain = '', onnx }) => `${domain}::${onnx}`);
    expect(new Set(operators).size).toBe(operators.length);
    const kernels = kernelRows().map(({ ge }) => ge);
    expect(new Set(kernels).size).toBe(kernels.length);
  });

  it('has every operator of section 4.2 of its source', () => {
    const names = new Set(operatorRows().map(({ onnx }) => onnx));
    const asked =
      'Conv ConvTranspose Gemm MatMul Add Div Relu PRelu Celu HardSwish Gelu Mish Clip Softmax ReduceL2 MaxPool AveragePool';
    for (const name of asked.split(' ')) expect(names, name).toContain(name);
  });

  it('names a kernel column for each chip that training runs on', () => {
    for (const soc of ['Ascend310P3', 'Ascend910A', 'Ascend910B3', 'Ascend910_9391'])
      expect(findSoc(soc).family.kernels, soc).not.toBeNull();
  });

  it('uses kernels in limits and rows that exist or are named nowhere else', () => {
    expect(kernelRow('Conv2D')?.['910B']).toContain('float32');
    expect(kernelRow('Neg')).toBeNull();
  });
});

describe('chips and releases', () => {
  it('does not confuse Ascend910B, of the first generation, with 910B1 to 910B4', () => {
    expect(findSoc('Ascend910B').family.name).toBe('910');
    expect(findSoc('910b3').family.name).toBe('910B');
    expect(findSoc('Ascend910ProA').family.cubeFloat32).toBe(false);
  });

  it('says what is known for a chip or a release that is not', () => {
    expect(() => findSoc('Ascend999')).toThrow(/no Ascend chip is called "Ascend999"; known are Ascend310, /);
    expect(() => findToolkit('3.1.0')).toThrow(/CANN 3.1.0 is older than what is known: 5.0.4/);
    expect(() => findToolkit('new')).toThrow(/should look like 7.0.0 or 8.1.RC1/);
    expect(() => targetFor('910A', '8.1.RC1', 'half')).toThrow(/precision should be one of origin, /);
    expect(socNames().length).toBeGreaterThan(20);
  });

  it('orders releases and takes the row of the newest that is not newer', () => {
    expect([...toolkitVersions()].sort(compareVersions)).toEqual(toolkitVersions());
    expect(compareVersions('8.1.RC1', '8.1.0')).toBeLessThan(0);
    expect(findToolkit('7.0.1').version).toBe('7.0.0');
    expect(findToolkit('6.0.1').writes).toBe(13);
    expect(hasOpset('8,12-18', 12) && hasOpset('8,12-18', 8)).toBe(true);
    expect(hasOpset('8,12-18', 9)).toBe(false);
  });
});

describe('verdicts', () => {
  it('has float32 convolution on 910B only, and float16 by the precision mode elsewhere', () => {
    const facts = node('Conv', [picture, weight], conv);
    expect(verdict(facts)).toMatchObject({ place: 'aiCore', reason: 'Conv2D float32', doubt: null });
    for (const soc of ['Ascend310P3', 'Ascend910A', 'Ascend910ProB']) {
      expect(verdict(facts, { soc }).reason).toMatch(/^EZ3003: Conv2D has no float32 kernel/);
      expect(verdict(facts, { soc, precision: 'mixed_float16' })).toMatchObject({ reason: 'Conv2D float16' });
    }
  });

  it('puts AveragePool of float32 on AI CPU on every chip', () => {
    const facts = node('AveragePool', [picture], { kernel_shape: [2, 2] });
    for (const soc of ['Ascend310P3', 'Ascend910A', 'Ascend910B3'])
      expect(verdict(facts, { soc }).place).toBe('aiCpu');
  });

  it.each<[string, NodeFacts, RegExp]>([
    [
      'indices of a MaxPool',
      node('MaxPool', [picture], { kernel_shape: [2, 2] }, 2),
      /Indices is not supported/,
    ],
    [
      'a kernel of 256',
      node('Conv', [picture, value('float32', [8, 8, 256, 1])], { ...conv, kernel_shape: [256, 1] }),
      /1 to 255/,
    ],
    [
      'a stride of 64',
      node('Conv', [picture, weight], { ...conv, strides: [64, 64] }),
      /strides are 1 to 63/,
    ],
    ['a transpose without perm', node('Transpose', [picture]), /perm must be written/],
    ['a Gelu', node('Gelu', [picture]), /registered at no opset.*Erf or Tanh/],
    ['an Atan', node('Atan', [picture]), /no parser is known for ai.onnx::17::Atan/],
    [
      'ScatterND that multiplies',
      node('ScatterND', [picture, value('int64', [1, 4]), value('float32', [1])], { reduction: 'mul' }),
      /none, add, max and min/,
    ],
    [
      'a GridSample with its defaults',
      node('GridSample', [picture, value('float32', [1, 4, 4, 2])]),
      /mode and padding_mode must be written/,
    ],
    [
      'a step along the last axis',
      node('Slice', [
        picture,
        value('int64', [1], [0]),
        value('int64', [1], [16]),
        value('int64', [1], [3]),
        value('int64', [1], [2]),
      ]),
      /step of the last axis must be 1/,
    ],
    [
      'a nearest resize that rounds',
      node('Resize', [picture, null, null, value('int64', [4], [1, 8, 32, 32])], { mode: 'nearest' }),
      /nearest_mode is not read/,
    ],
  ])('refuses %s', (_, facts, reason) => {
    expect(verdict(facts)).toMatchObject({ place: 'fails', reason: expect.stringMatching(reason) });
  });

  it('follows the opsets of an operator and of a release', () => {
    const swish = node('HardSwish', [picture]);
    expect(verdict(swish, { opset: 13 }).place).toBe('fails');
    expect(verdict(swish, { opset: 14 }).place).toBe('aiCore');
    const late = verdict(node('Relu', [picture]), { cann: '6.0.1' });
    expect(late.reason).toBe('E19010: CANN 6.0.1 takes opsets up to 13, the model has 17');
    expect(verdict(node('ReduceL2', [picture], { axes: [1] }), { opset: 18 }).place).toBe('fails');
  });

  it('has no scattering kernel on 310P, no NonMaxSuppression on 910, no linear resize on 310P', () => {
    const scatter = node('ScatterElements', [picture, value('int64', [1, 8, 16, 16]), picture]);
    expect(verdict(scatter, { soc: 'Ascend310P3' }).place).toBe('aiCpu');
    expect(verdict(scatter, { soc: 'Ascend910A' }).place).toBe('aiCore');
    const suppression = node('NonMaxSuppression', [value('float32', [1, 5, 4]), value('float32', [1, 1, 5])]);
    expect(verdict(suppression, { soc: 'Ascend910A' }).place).toBe('fails');
    const resize = node('Resize', [picture, null, null, value('int64', [4], [1, 8, 32, 32])], {
      mode: 'linear',
    });
    expect(verdict(resize, { soc: 'Ascend310P3' }).place).toBe('fails');
    expect(verdict(resize, { soc: 'Ascend910A' }).place).toBe('aiCore');
  });

  it('turns a limit of an old list into a doubt from the release on that may have lifted it', () => {
    const facts = node('ConvTranspose', [value('float16', [1, 8, 16, 16]), weight], {
      ...conv,
      dilations: [2, 2],
    });
    expect(verdict(facts, { soc: '910A', cann: '6.0.1', opset: 13 }).place).toBe('fails');
    expect(verdict(facts, { soc: '910A' })).toMatchObject({
      place: 'aiCore',
      doubt: expect.stringMatching(/dilation 1 only/),
    });
  });

  it('breaks no limit with what it does not know', () => {
    const unknown: ValueFacts = { type: 'float32', shape: null, constant: false, values: null };
    expect(verdict(node('Conv', [unknown, unknown], conv)).place).toBe('aiCore');
  });
});
