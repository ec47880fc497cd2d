/** `omma model` as a process. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runOmma, tinyDataset, tinyModel } from './support/tinyProject.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-model-'));
const valDataloader = { dataset: tinyDataset('nowhere', 'val'), batchSize: 2 };
const valEvaluator = [{ type: 'Accuracy', topk: [1] }];
writeFileSync(join(folder, 'tiny.json'), JSON.stringify({ model: tinyModel, valDataloader, valEvaluator }));
writeFileSync(join(folder, 'sizeless.json'), JSON.stringify({ model: tinyModel }));

const omma = (...args: string[]) => runOmma(['model', 'summary', ...args], { cwd: folder });

describe('omma model summary', () => {
  it('needs no data: the transforms say how large a picture is', () => {
    const { code, out } = omma('tiny.json', '--depth', '1');
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 4)).toEqual([
      'module      type                  parameters    FLOPs  activations',
      'model       ImageClassifier              734  46.60 k         1282',
      '  backbone  ResNet                       724  46.34 k         1280',
      '  neck      GlobalAveragePooling           0      256            0',
    ]);
    expect(out).toContain('One picture of 8 x 8: 46.60 k FLOPs');
  });

  it('counts another size, and prints every module as JSON', () => {
    const { modules, input } = JSON.parse(omma('tiny.json', '--input', '16x8', '--json').out);
    expect(input).toEqual({ height: 16, width: 8, channels: 3 });
    expect(modules[0]).toMatchObject({ path: '', parameters: 734, flops: 2 * 46_600 - 8 });
    expect(modules).toContainEqual(expect.objectContaining({ path: 'head.fc', parameters: 10, flops: 8 }));
  });

  it('asks for the size where nothing says it', () => {
    const { code, err } = omma('sizeless.json');
    expect(code).toBe(1);
    expect(err).toContain('tell which one to count, for example --input 224x224');
    expect(omma('tiny.json', '--input', '8x8x8').err).toContain('such as 224x224');
  });
});
