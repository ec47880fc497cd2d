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
