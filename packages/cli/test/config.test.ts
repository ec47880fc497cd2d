/** `omma config` as a process. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'omma-config-cli-'));
const program = join(import.meta.dirname, '../bin/omma.js');

function omma(...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, [program, 'config', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

writeFileSync(
  join(folder, 'base.py'),
  `model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18),
    head=dict(type='LinearClsHead', num_classes=5))
work_dir = 'runs'
`,
);
writeFileSync(
  join(folder, 'mixup.py'),
  "_base_ = 'base.py'\nmodel = dict(backbone=dict(depth=50), train_cfg=dict(augments=dict(type='Mixup')))\n",
);
writeFileSync(join(folder, 'bad.yaml'), 'extends: base.py\ntrainConfig:\n  maxEpoch: 3\n');

describe('omma config', () => {
  it('prints a config with what it inherits, and where each value was set', () => {
    expect(omma('print', 'mixup.py', '--json').out).toContain('"depth": 50');
    const { out, code } = omma('print', 'mixup.py', '--sources');
    expect(code).toBe(0);
    const lines = out.split('\n').map((line) => line.split(/\s{2,}/));
    expect(lines[0]).toEqual(['value', 'set at']);
    expect(lines).toContainEqual(['model.backbone.type', '"ResNet"', 'base.py:3']);
    expect(lines).toContainEqual(['model.backbone.depth', '50', 'mixup.py:2']);
    expect(omma('print', 'base.py', '--omma', '--set', 'trainConfig.maxEpochs=3').out).toContain(
      'maxEpochs: 3',
    );
  });

  it('compares two, and exits as diff does', () => {
    const { out, code } = omma('diff', 'base.py', 'mixup.py');
    expect(code).toBe(1);
    expect(out.split('\n').map((line) => line.split(/\s{2,}/))).toEqual([
      ['value', 'base.py', 'mixup.py'],
      ['model.backbone.depth', '18', '50'],
      ['model.train_cfg.augments.type', '-', '"Mixup"'],
      [''],
    ]);
    expect(omma('diff', 'base.py', 'base.py')).toEqual({ code: 0, out: '', err: '' });
  });

  it('checks several and lists every mistake', () => {
    const { out, code } = omma('check', 'base.py', 'mixup.py', 'bad.yaml', 'none.json');
    expect(code).toBe(1);
    expect(out).toContain('good  base.py\n');
    expect(out).toContain(
      '1 mistake  mixup.py\n  model.train_cfg is {"augments":{"type":"Mixup"}}: Omma has no such option (mixup.py:2)\n',
    );
    expect(out).toContain('trainConfig.maxEpoch is 3: unknown key; did you mean maxEpochs? (bad.yaml:3)\n');
    // As `omma train` would: parts that need each other are among it.
    expect(out).toContain(
      'optimWrapper is missing: expected beside trainConfig: training needs trainDataloader, trainConfig, optimWrapper, or none of them (bad.yaml:2)\n',
    );
    expect(out).toContain('none.json: cannot read the config (ENOENT); check the path\n');
    const results: unknown = JSON.parse(omma('check', 'base.py', '--json').out);
    expect(results).toEqual([{ file: 'base.py', mistakes: [] }]);
  });

  it('converts an OpenMMLab config, and lists what has no equivalent', () => {
    const { err, code } = omma('convert', 'mixup.py', '--out', 'made/resnet.yaml');
    expect(code).toBe(1);
    expect(err).toContain('1 value of the config has no equivalent and was left out:');
    expect(err).toMatch(/model\.train_cfg {2,}\S+ {2,}Omma has no such option {2,}mixup\.py:2/);
    expect(readFileSync(join(folder, 'made/resnet.yaml'), 'utf8')).toBe(
      [
        'model:',
        '  type: ImageClassifier',
        '  backbone:',
        '    type: ResNet',
        '    depth: 50',
        '  head:',
        '    type: LinearClsHead',
        '    numClasses: 5',
        'workDir: runs',
        '',
      ].join('\n'),
    );
    expect(omma('check', 'made/resnet.yaml').code).toBe(0);
    expect(omma('convert', 'base.py').out).toContain("backbone: { type: 'ResNet', depth: 18 },");
    expect(omma('convert', 'base.py', '--to', 'py').out).toContain("backbone=dict(type='ResNet', depth=18),");
  });

  it('refuses a format that it does not know', () => {
    expect(omma('convert', 'base.py', '--out', 'x.toml')).toMatchObject({
      code: 1,
      err: 'error: --out x.toml: expected a .ts, .json, .yaml or .py file, or --to with the format\n',
    });
  });

  it('writes the schema for editors, and lists what a config can name', () => {
    expect(omma('schema', '--out', 'schemas/omma.json')).toEqual({ code: 0, out: '', err: '' });
    const text = readFileSync(join(folder, 'schemas/omma.json'), 'utf8');
    expect(JSON.parse(text).definitions.backbone.properties.type.enum).toContain('ResNet');
    // Editors read it at every start.
    expect(text.length).toBeLessThan(300_000);
    expect(JSON.parse(omma('types', '--json').out)).toContainEqual({
      kind: 'backbone',
      name: 'ResNet',
      declaredAt: expect.stringMatching(/classification\/dist\/register\.js$/),
    });
    expect(omma('types').out).toMatch(/^registry +type +registered by\nmodel +ImageClassifier/);
    const engine = join(import.meta.dirname, '../../engine/dist/index.js');
    writeFileSync(
      join(folder, 'registers.ts'),
      `import { hooks } from '${engine}';
       hooks.register('OwnHook', hooks.schema(), () => ({}));
       export default {};`,
    );
    expect(omma('schema', 'registers.ts').out).toMatch(/"enum":\[[^\]]*"OwnHook"/);
    expect(omma('types', 'registers.ts').out).toMatch(/ OwnHook +registers\.ts\n/);
  });
});
