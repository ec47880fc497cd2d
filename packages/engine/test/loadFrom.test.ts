import { join } from 'node:path';
import { hostTensor, toNumeric } from '@omma/core';
import { expect, it } from 'vitest';
import {
  type Config,
  checkConfig,
  convertWeights,
  loadModelWeights,
  Runner,
  type RunnerEvent,
  revisedNames,
} from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';
import { temporary, trainTiny } from './support/training.ts';

const one = hostTensor([1], 'float32', Float32Array.of(1));
const weights = new Map(['module.backbone.conv.weight', 'module.head.fc.weight'].map((name) => [name, one]));

it('takes the tensors with a prefix, and rewrites names in order', () => {
  const names = (options: Parameters<typeof revisedNames>[1]) => [...revisedNames(weights, options).keys()];
  expect(names({ prefix: 'module.' })).toEqual(['backbone.conv.weight', 'head.fc.weight']);
  expect(
    names({
      prefix: 'module.backbone.',
      reviseKeys: [
        ['^conv', 'stem'],
        ['weight$', 'w'],
      ],
    }),
  ).toEqual(['stem.w']);
  expect(names({ reviseKeys: [['^module\\.(\\w+)\\.', '$1_']] })).toEqual([
    'backbone_conv.weight',
    'head_fc.weight',
  ]);
  expect(() => names({ prefix: 'modul.' })).toThrow(
    /no tensor begins with the prefix modul.; there are module.; did you mean module.\?/,
  );
  expect(() => names({ reviseKeys: [['.*', 'x']] })).toThrow(/are both called x after reviseKeys/);
});

it('refuses patterns that are none', () => {
  const loadFrom = { checkpoint: 'a', reviseKeys: [['(', '']] };
  expect(() => checkConfig({ ...tinyConfig('work'), loadFrom })).toThrow(
    /loadFrom.*expected a regular expression/,
  );
});

it('with strict false keeps first weights where nothing fits, and tells what did not', async () => {
  const workDir = await temporary();
  const { end } = await trainTiny({ workDir, trainConfig: { maxEpochs: 1 } });
  const checkpoint = end.lastCheckpoint ?? '';
  const warnings: string[] = [];
  const onEvent = (event: RunnerEvent) => event.type === 'warning' && warnings.push(event.message);
  const start = async (changes: Partial<Config>) => {
    const runner = await Runner.create({ ...tinyConfig(workDir), ...changes }, { onEvent });
    await runner.firstWeights();
    await runner.dispose();
  };
  const wider = { model: { type: 'Tiny', channels: 5 } } as const;
  await start({ loadFrom: { checkpoint, strict: false } });
  expect(warnings).toEqual([]);
  await start({ ...wider, loadFrom: { checkpoint, reviseKeys: [['^conv', 'stem']], strict: false } });
  expect(warnings[0]).toMatch(
    /1 of the model's 7 tensors were loaded; not in the file: conv.weight; of another shape: .*norm.weight.* and 0|not in the model: stem.weight/,
  );
  await expect(start({ ...wider, loadFrom: { checkpoint } })).rejects.toThrow(/does not fit the model/);
  await expect(start({ loadFrom: { checkpoint, reviseKeys: [['^', 'x.']], strict: false } })).rejects.toThrow(
    /none of its 7 tensors fits the model.*rewrite names with loadFrom.reviseKeys/,
  );
});

it('takes weights that were saved in half precision, rounded as they are', async () => {
  const workDir = await temporary();
  const { end } = await trainTiny({ workDir, trainConfig: { maxEpochs: 1 } });
  const half = join(workDir, 'half.safetensors');
  await convertWeights(end.lastCheckpoint ?? '', half, { dtype: 'F16' });
  const saved = await loadModelWeights(half);
  for (const strict of [true, false]) {
    const loadFrom = { checkpoint: half, strict };
    const runner = await Runner.create({ ...tinyConfig(workDir), loadFrom });
    await runner.firstWeights();
    for (const variable of runner.model.parameters()) {
      const { dtype, data } = saved.get(variable.name) ?? one;
      expect(dtype).toBe('float16');
      const { data: loaded } = await variable.download();
      expect([...loaded]).toEqual([...toNumeric(dtype, data)]);
    }
    await runner.dispose();
  }
});
