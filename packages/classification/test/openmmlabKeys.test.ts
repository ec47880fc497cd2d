/**
 * Weights have OpenMMLab's names, so a `.pth` that Omma writes is one that mmpretrain loads with strict=True, and the other way round. The record
 * is what `state_dict()` of mmpretrain 1.2.0's classifiers gives with five classes, written by hand-run Python.
 */

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostTensor } from '@omma/core';
import {
  convertWeights,
  loadModelWeights,
  misfitOf,
  models,
  modelVariables,
  openWeightFile,
  saveCheckpoint,
} from '@omma/engine';
import { initialize } from '@omma/nn';
import { describe, expect, it } from 'vitest';
import '../src/index.ts';

const record: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/mmpretrain-1.2.0-resnet.json'), 'utf8'),
);

const resNet = (depth: 18 | 50) => {
  const model = models.build({
    type: 'ImageClassifier',
    backbone: { type: 'ResNet', depth },
    head: { type: 'LinearClsHead', numClasses: 5 },
  });
  model.assignNames();
  return model;
};

describe("a model's names and shapes", () => {
  it.each([18, 50] as const)(
    "are mmpretrain's of ResNet-%i, but for PyTorch's counts of batches",
    (depth) => {
      const own = modelVariables(resNet(depth)).map(({ name, shape }) => [name, shape.join('x')]);
      const theirs = Object.entries(record[`ResNet-${depth}`] ?? {});
      const computed = theirs.filter(([name]) => !name.endsWith('num_batches_tracked'));
      expect(Object.fromEntries(own)).toEqual(Object.fromEntries(computed));
      // The order of parameters is theirs too.
      const isBuffer = (name: string) => /running_(mean|var)$/.test(name);
      expect(own.flatMap(([name = '']) => (isBuffer(name) ? [] : [name]))).toEqual(
        computed.flatMap(([name]) => (isBuffer(name) ? [] : [name])),
      );
    },
  );
});

describe('a checkpoint written as .pth', () => {
  it('has those names in state_dict, the classes where mmpretrain looks for them, and comes back the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'omma-keys-'));
    const model = resNet(18);
    await initialize(model, 1);
    const variables = modelVariables(model);
    const tensors = await Promise.all(
      variables.map(async (variable) => [variable.name, await variable.download()] as const),
    );
    const path = join(folder, 'a.safetensors');
    await saveCheckpoint(path, Object.fromEntries(tensors), {
      version: '0.1.0',
      epoch: 3,
      iterationInEpoch: 0,
      iteration: 12,
      evaluationDue: false,
      seed: 0,
      hooks: {},
      metrics: {},
      classes: ['a', 'b', 'c', 'd', 'e'],
      inputs: {},
      config: {
        model: {
          type: 'ImageClassifier',
          backbone: { type: 'ResNet', depth: 18 },
          head: { type: 'LinearClsHead', numClasses: 5 },
        },
      },
    });
    const written = join(folder, 'a.pth');
    await convertWeights(path, written);
    const file = await openWeightFile(written);
    expect(file.metadata).toMatchObject({
      epoch: 3,
      iter: 12,
      dataset_meta: { classes: ['a', 'b', 'c', 'd', 'e'] },
    });
    expect([...file.tensors.keys()].sort()).toEqual(variables.map(({ name }) => `state_dict.${name}`).sort());
    await file.close();
    const back = await loadModelWeights(written);
    expect(misfitOf(back, variables)).toEqual({ missing: [], unexpected: [], misshaped: [] });
    const bytesOf = ({ data }: HostTensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const changed = tensors.filter(([name, tensor]) => {
      const other = back.get(name);
      return other === undefined || !bytesOf(other).equals(bytesOf(tensor));
    });
    expect(changed.map(([name]) => name)).toEqual([]);
  });
});
