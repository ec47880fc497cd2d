/** `omma ascend check` as a process: on a config and on ONNX files: what it prints and its exit code. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { maxPool2d, slice, trace } from '@omma/core';
import { exportOnnx } from '@omma/onnx';
import { beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'omma-ascend-'));
const program = join(import.meta.dirname, '../bin/omma.js');

function check(...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, [program, 'ascend', 'check', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

const transforms = [{ type: 'Resize', size: [8, 8] }];
const loader = {
  dataset: { type: 'ImageFolder', root: 'no/such/folder', split: 'train', transforms },
  batchSize: 4,
};
const tiny = {
  model: {
    type: 'ImageClassifier',
    backbone: { type: 'ResNet', depth: 18, stem: 'cifar', stemChannels: 4, baseChannels: 4 },
    head: { type: 'LinearClsHead', numClasses: 2 },
  },
  trainDataloader: loader,
  optimWrapper: { optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9 } },
  trainConfig: { maxEpochs: 1 },
};

beforeAll(() => {
  writeFileSync(join(folder, 'tiny.json'), JSON.stringify(tiny));
  const graph = trace(
    ({ x }) => ({
      every: slice(x ?? raise(), { starts: [0], ends: [8], axes: [3], steps: [2] }),
      pooled: maxPool2d(x ?? raise(), { kernel: 2 }),
    }),
    { x: { shape: [1, 2, 8, 8], dtype: 'float32' } },
  );
  writeFileSync(join(folder, 'foreign.onnx'), exportOnnx(graph, { weights: {} }));
  writeFileSync(join(folder, 'broken.onnx'), 'not a model');
});

function raise(): never {
  throw new Error('an input is missing');
}

describe('omma ascend check', () => {
  it('reads the training step of a config without data and finds nothing that fails', () => {
    const { code, out, err } = check('tiny.json', '--soc', '910A');
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/tiny.json {2}training step, opset 17, on Ascend910A with CANN 8.1.RC1/);
    expect(out).toMatch(/AI Core +\d+ +Conv +Conv2D float16 +conv2d at backbone.conv1 and \d+ more/);
    expect(out).toMatch(/nothing fails: \d+ nodes on AI Core, 0 on AI CPU, 0 fail/);
  });

  it('says of any ONNX file what fails and what leaves AI Core, worst first, and exits with 1', () => {
    const { code, out } = check('foreign.onnx', '--soc', 'Ascend310P3');
    expect(code).toBe(1);
    const places = out.split('\n').filter((line) => /^(fails|AI CPU|AI Core) /.test(line));
    expect(places[0]).toMatch(/^fails +1 +Slice +the step of the last axis must be 1/);
    expect(places[1]).toMatch(/^AI CPU +1 +MaxPool +MaxPoolV3 has no float32 kernel on AI Core of 310P/);
    expect(out).toContain('1 of 2 nodes fail');
  });

  it('prints JSON with every count and reason', () => {
    const { code, out } = check('foreign.onnx', '--json', '--soc', '910B3');
    expect(code).toBe(1);
    const report: unknown = JSON.parse(out);
    expect(report).toMatchObject({
      model: 'foreign.onnx',
      soc: 'Ascend910B3',
      counts: { aiCore: 1, aiCpu: 0, fails: 1 },
      groups: [
        { opType: 'Slice', place: 'fails', count: 1 },
        { opType: 'MaxPool', place: 'aiCore' },
      ],
    });
  });

  it('gives a line a node on request', () => {
    expect(check('foreign.onnx', '--all').out).toMatch(/AI Core +MaxPool_\d+ +MaxPool +MaxPoolV3 float32/);
  });

  it.each([
    [['broken.onnx'], /^error: broken.onnx: not an ONNX file, or damaged/],
    [['none.onnx'], /^error: none.onnx: cannot be read \(ENOENT\)/],
    [['tiny.json', '--soc', '999'], /^error: no Ascend chip is called "999"; known are /],
    [['tiny.json', '--cann', '1.0'], /^error: CANN 1.0 is older than what is known/],
  ])('refuses %j in one line', (args, message) => {
    const { code, err } = check(...args);
    expect(code).toBe(1);
    expect(err.trim()).toMatch(message);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});
