/**
 * The golden numbers of PyTorch, on every device of this machine: all operator cases, forward and gradient, and the training trace of
 * a ResNet-18; and what the program says of files that it cannot check.
 */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { device } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { suiteDevices } from '../tools/src/conformance/devices.ts';
import { checkFile } from '../tools/src/golden/check.ts';
import { fill } from '../tools/src/golden/fill.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/golden/${name}`, import.meta.url));

describe.each(suiteDevices())('golden numbers on $name', (entry) => {
  if ('skipped' in entry) {
    it.skip(`left out: ${entry.skipped}`, () => undefined);
    return;
  }

  it('all operator cases hold, forward and gradient', async () => {
    const { checked, failures } = await checkFile(fixture('ops.json'), entry.device);
    expect(failures).toEqual([]);
    expect(checked).toBe(144);
  });

  it('three training steps of ResNet-18 give the losses, gradient norms and parameters', {
    timeout: 300_000,
  }, async () => {
    const { checked, failures } = await checkFile(fixture('train_resnet18_sgd.json'), entry.device);
    expect(failures).toEqual([]);
    expect(checked).toBe(214);
  });
});

describe('golden files that cannot be checked', () => {
  const folder = mkdtempSync(join(tmpdir(), 'omma-golden-'));
  const written = (content: unknown) => {
    const path = join(folder, 'file.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const check = (content: unknown) => checkFile(written(content), device('reference'));
  const training = {
    net: 'resnet18',
    optimizer: 'sgd',
    batch: 1,
    size: 32,
    classes: 2,
    eval_logits: [],
    trace: [],
    final: {},
  };

  it('are named in one line', async () => {
    await expect(check({ a: 1 })).rejects.toThrow(
      /file\.json: is neither an operator file .* nor a training trace/,
    );
    await expect(check('{')).rejects.toThrow(/file\.json: cannot be read as JSON/);
    await expect(check({ ...training, sheduler: 1 })).rejects.toThrow(
      /unknown field sheduler; known: net, optimizer/,
    );
    await expect(check({ ...training, net: 'vgg' })).rejects.toThrow(
      /net: expected one of resnet18, .* but found vgg/,
    );
    await expect(check({ ...training, optimizer: 'lion' })).rejects.toThrow(
      /optimizer: expected sgd, adam or adamw but found lion/,
    );
  });

  it('are refused before memory is taken for them, and when they check nothing', async () => {
    const neg = (shape: unknown) => ({
      seed: 's',
      cases: [{ id: 'neg/0', op: 'neg', inputs: { x: { shape, lo: -1, hi: 1, fill: 'n' } }, outputs: [] }],
    });
    for (const shape of [[-1], [2.5], [1e6, 1e6], 'x', [null]])
      expect((await check(neg(shape))).failures).toEqual([expect.stringMatching(/^neg\/0: case: .*shape/)]);
    await expect(check({ seed: 's', cases: [] })).rejects.toThrow(/cases: expected at least one/);
    await expect(check(training)).rejects.toThrow(/trace: expected at least one step/);
    const step = { step: 0, loss: 1, grad_norm: 1, logits: [0, 0] };
    const traced = (labels: unknown, changes = {}) =>
      check({ ...training, trace: [{ ...step, labels }], ...changes });
    await expect(traced([2], { eval_logits: [0, 0] })).rejects.toThrow(
      /labels: 2 is not below the 2 classes/,
    );
    await expect(traced([0, 1], { eval_logits: [0, 0] })).rejects.toThrow(
      /labels: expected 1 labels but found 2/,
    );
    await expect(traced([0], { size: -1 })).rejects.toThrow(/size: expected a whole number but found -1/);
    await expect(traced([0], { nesterov: 'yes' })).rejects.toThrow(/nesterov: expected true or false/);
  });

  it('report options that are none, and outputs of another shape', async () => {
    const inputs = {
      x: { shape: [2, 3], lo: -1, hi: 1, fill: 'n' },
      t: { shape: [2, 3], lo: -1, hi: 1, fill: 't' },
    };
    const entry = { id: 'mse/0', op: 'mse', inputs, outputs: [], attrs: { reduction: 'average' } };
    expect((await check({ seed: 's', cases: [entry] })).failures[0]).toMatch(
      /reduction: expected one of none, mean, sum but found average/,
    );
    const argmax = {
      id: 'argmax/0',
      op: 'argmax',
      inputs: { x: inputs.x },
      attrs: { axis: 1 },
      outputs: [{ shape: [2, 1], dtype: 'int64', data: [0, 0] }],
    };
    expect((await check({ seed: 's', cases: [argmax] })).failures[0]).toMatch(
      /has shape \[2\] but \[2, 1\] is/,
    );
  });

  it('report unknown operators and attributes as failures of their case', async () => {
    const entry = { id: 'x/0', attrs: { k: 1 }, inputs: {}, ints: {}, outputs: [], grads: {} };
    expect((await check({ seed: 's', cases: [{ ...entry, op: 'relv' }] })).failures).toEqual([
      'x/0: case: largest error Infinity: x/0: no operator is called relv',
    ]);
    const ones = { ...entry, op: 'one_hot', ints: { i: [0] }, attrs: { depth: 1, k: 1 } };
    expect((await check({ seed: 's', cases: [ones] })).failures[0]).toMatch(/unknown attribute k/);
  });

  it('report a wrong number with its place and error', async () => {
    const inputs = { x: { shape: [2], lo: -1, hi: 1, fill: 'n' } };
    const [first = 0, second = 0] = fill('n', 2, -1, 1);
    const outputs = [{ shape: [2], dtype: 'float32', data: [-first, 0.5 - second] }];
    const { checked, failures } = await check({
      seed: 's',
      cases: [{ id: 'neg/0', op: 'neg', inputs, outputs }],
    });
    expect(checked).toBe(1);
    expect(failures[0]).toMatch(
      /^neg\/0: output 0: largest error 0\.500: element 1 is .* but .* is expected$/,
    );
  });
});
