import { describe, expect, it } from 'vitest';
import {
  applyOverrides,
  type Config,
  defineConfig,
  loadConfig,
  readConfigFile,
  toPlain,
  writeConfig,
} from '../src/index.ts';
import { configFiles, withoutFolders } from './support/configFiles.ts';
import { tinyConfig } from './support/tiny.ts';

const { workDir: _, ...good } = tinyConfig('work');
async function messageOf(file: string, set: readonly string[] = []): Promise<string> {
  const error: unknown = await loadConfig(file, { set }).catch((reason) => reason);
  return error instanceof Error ? withoutFolders(error.message) : 'no error';
}

async function plainOf(texts: Readonly<Record<string, string>>): Promise<unknown> {
  return toPlain(await readConfigFile(await configFiles(texts)));
}

const base = JSON.stringify(good, null, 2);

describe('extends', () => {
  const child = { trainDataloader: { batchSize: 16 }, defaultHooks: { logger: { interval: 5 } } };
  const merged: unknown = {
    ...good,
    trainDataloader: { ...good.trainDataloader, batchSize: 16 },
    defaultHooks: { logger: { interval: 5 } },
  };
  const ts = `export default { extends: './base.json', ...${JSON.stringify(child)} };`;
  const cases: [string, string][] = [
    ['a.ts', ts],
    ['a.json', JSON.stringify({ extends: 'base.json', ...child })],
    ['a.yaml', 'extends: base.json\ntrainDataloader: {batchSize: 16}\ndefaultHooks: {logger: {interval: 5}}'],
    ['a.mjs', ts],
  ];
  it.each(cases)('merges what %s says into its base', async (name, text) => {
    const { workDir, ...config } = await loadConfig(await configFiles({ [name]: text, 'base.json': base }));
    expect(config).toEqual(merged);
    expect(workDir).toBe('work_dirs/a');
  });

  it('takes several bases, which may be of any format', async () => {
    const { model, ...rest } = good;
    const config = await loadConfig(
      await configFiles({
        'a.ts': "export default { extends: ['./model.yaml', './rest.mjs'] };",
        'model.yaml': `model: ${JSON.stringify(model)}`,
        'rest.mjs': `export default ${JSON.stringify(rest)};`,
      }),
    );
    expect(config).toMatchObject(good);
  });

  it('replaces an object that says _delete_', async () => {
    const text = JSON.stringify({
      extends: 'base.json',
      optimWrapper: { _delete_: true, optimizer: { type: 'AdamW', lr: 0.001 } },
      defaultHooks: { checkpoint: { _delete_: true, interval: 2 } },
    });
    const config = await loadConfig(await configFiles({ 'a.json': text, 'base.json': base }));
    expect(config.optimWrapper).toEqual({ optimizer: { type: 'AdamW', lr: 0.001 } });
    expect(config.defaultHooks).toEqual({ logger: { interval: 2 }, checkpoint: { interval: 2 } });
  });

  it('calls a function that a module exports, also one that waits', async () => {
    const text = `export default async () => (${base});`;
    expect(await loadConfig(await configFiles({ 'a.ts': text }))).toMatchObject(good);
  });

  it('is typed: parts of a config on top of bases, or a whole one', () => {
    const whole: Config = defineConfig(tinyConfig('work'));
    const part = defineConfig({ extends: './base.ts', trainDataloader: { batchSize: 4 } });
    // @ts-expect-error a key that no config has
    defineConfig({ extends: './base.ts', trainDataloder: { batchSize: 4 } });
    // @ts-expect-error a value of another type
    defineConfig({ extends: './base.ts', trainConfig: { maxEpochs: 'ten' } });
    const { model, ...rest } = whole;
    defineConfig({
      model,
      ...rest,
      optimWrapper: {
        // @ts-expect-error: said of this key, where it stands
        optimizer: { type: 'Adam', lr: 1, momentum: 0.9 },
      },
    });
    expect([whole.model.type, part.extends]).toEqual(['Tiny', './base.ts']);
  });
});

describe('mistakes', () => {
  it('tell the file and line that set the value, all of them at once', async () => {
    const bad = base.replace('"batchSize": 8', '"batchSize": 0.5').replace('"channels": 4', '"chanels": 4');
    const file = await configFiles({
      'a.yaml': 'extends: [base.json]\ntrainConfig:\n  maxEpochs: none\n',
      'base.json': bad,
    });
    const lines = (await messageOf(file, ['optimWrapper.optimizer.lr=-1'])).split('\n');
    expect(lines[0]).toBe('a.yaml has 5 mistakes:');
    const text = lines.join('\n');
    expect(text).toContain('model.chanels is 4: unknown key; did you mean channels? (base.json:4)');
    expect(text).toContain('trainDataloader.batchSize is 0.5: expected a whole number (base.json:11)');
    expect(text).toContain('trainConfig.maxEpochs is "none": expected number (a.yaml:3)');
    expect(text).toContain(
      'optimWrapper.optimizer.lr is -1: expected a number above 0 (--set optimWrapper.optimizer.lr=-1)',
    );
  });

  it('in JSON and YAML name the line', async () => {
    expect(await messageOf(await configFiles({ 'a.yaml': 'a: 1\nb: [1\n' }))).toMatch(/^a\.yaml:\d+:\d+: /);
    expect(await messageOf(await configFiles({ 'a.yaml': 'a: 1\na: 2\n' }))).toMatch(
      /^a\.yaml:2:1: Map keys must be unique/,
    );
    expect(await messageOf(await configFiles({ 'a.json': '{"a": 1, "a": 2}' }))).toContain(
      'Map keys must be unique',
    );
    expect(await messageOf(await configFiles({ 'a.json': '{a: 1}' }))).toMatch(/a\.json: .*JSON/);
    expect(await messageOf(await configFiles({ 'a.yaml': '- 1' }))).toContain(
      'expected a config (keys and values)',
    );
    expect(await messageOf(await configFiles({ 'a.yaml': 'a: !!python/object:os.system x' }))).toMatch(
      /^a\.yaml:1:4: Unresolved tag/,
    );
  });

  it('refuse a module that exports no config, and extends beside _base_', async () => {
    expect(await messageOf(await configFiles({ 'a.ts': 'export default 3;' }))).toContain(
      'a.ts: expected `export default defineConfig({ ... })`',
    );
    expect(
      await messageOf(await configFiles({ 'a.json': '{"extends": "b.json", "_base_": "b.json"}' })),
    ).toContain('expected extends or _base_, not both');
  });
});

describe('YAML', () => {
  it('has anchors, merge keys and the core types', async () => {
    const text = 'base: &b {x: 1, y: [a, 1.5, true, null]}\nchild:\n  <<: *b\n  x: 2\nagain: *b\nword: yes\n';
    expect(await plainOf({ 'a.yaml': text })).toEqual({
      base: { x: 1, y: ['a', 1.5, true, null] },
      child: { x: 2, y: ['a', 1.5, true, null] },
      again: { x: 1, y: ['a', 1.5, true, null] },
      word: 'yes',
    });
  });

  it('bounds aliases of aliases, and depth', async () => {
    const lines = ['a0: &a0 [x, x]'];
    for (let i = 1; i < 40; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`);
    expect(await messageOf(await configFiles({ 'a.yaml': lines.join('\n') }))).toMatch(/more than \d+ steps/);
    for (const depth of [500, 100_000]) {
      const deep = `a: ${'['.repeat(depth)}${']'.repeat(depth)}`;
      expect(await messageOf(await configFiles({ 'a.yaml': deep }))).toMatch(
        /nests (too deeply|more than 100 levels)/,
      );
    }
  });
});

describe('--set', () => {
  it('indexes lists, and quotes keys with dots', () => {
    const config = { schedule: [{ gamma: 0.1 }, { gamma: 0.1 }], customKeys: { 'a.b': { lrMult: 1 } } };
    const set = [
      'schedule[1].gamma=0.2',
      'customKeys["a.b"].lrMult=0.5',
      'customKeys["c.d"]={"decayMult": 0}',
    ];
    expect(applyOverrides(config, set)).toEqual({
      schedule: [{ gamma: 0.1 }, { gamma: 0.2 }],
      customKeys: { 'a.b': { lrMult: 0.5 }, 'c.d': { decayMult: 0 } },
    });
  });

  it('refuses paths that are none, and indices where there is no list', () => {
    for (const text of ['=1', '.a=1', 'a..b=1', 'a[x]=1', 'a[0=1', 'a'])
      expect(() => applyOverrides({ a: [1] }, [text])).toThrow(/expected path=value/);
    expect(() => applyOverrides({ a: [1] }, ['a[1]=2'])).toThrow(
      /a is a list of 1 entries, which 1 does not index/,
    );
    expect(() => applyOverrides({ a: {} }, ['a[0]=2'])).toThrow(/a is not a list, so \[0\] is not in it/);
  });
});

describe('a config that is written', () => {
  it.each(['ts', 'json', 'yaml'] as const)('as %s is read as the same config', async (format) => {
    const config = await readConfigFile(await configFiles({ 'a.json': base }));
    const text = writeConfig(config, format)
      .replace(/^import .*\n/gm, '')
      .replace('defineConfig(', '(');
    expect(await loadConfig(await configFiles({ [`a.${format}`]: text }))).toMatchObject(good);
  });

  it('as Python keeps tuples, floats and keys that are no names', async () => {
    const text = "a = dict(b=(1, 2.0), c={'x.y': None, 3: True})\nd = 'it\\'s'\ne = [dict(f=(1, ))]\n";
    const config = await readConfigFile(await configFiles({ 'a.py': text }));
    const python = writeConfig(config, 'py');
    expect(python).toBe("a = dict(b=(1, 2.0), c={'x.y': None, 3: True})\nd = \"it's\"\ne = [dict(f=(1,))]\n");
    const again = await readConfigFile(await configFiles({ 'a.py': python }));
    expect(writeConfig(again, 'py')).toBe(python);
  });
});
