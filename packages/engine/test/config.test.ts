import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { applyOverrides, type Config, checkConfig, loadConfig, nearest, Registry } from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';

const good: Config = tinyConfig('work');

/** The message about a config that differs from a good one at `path`. */
function messageAbout(changes: readonly string[]): string {
  try {
    checkConfig(applyOverrides(good, changes), 'run.ts');
  } catch (error) {
    expect(error).toBeInstanceOf(OmmaError);
    return error instanceof Error ? error.message : '';
  }
  return 'no error';
}

describe('a config mistake is told with path, value, expectation and the nearest name', () => {
  const cases: [string, string, RegExp][] = [
    [
      'unknown key at the top',
      'trainConfg={}',
      /^run\.ts: trainConfg is \{\}: unknown key; did you mean trainConfig\?$/,
    ],
    [
      'unknown key below',
      'trainDataloader.bachSize=4',
      /trainDataloader\.bachSize is 4: unknown key; did you mean batchSize\?/,
    ],
    [
      'unknown type',
      'model.type="Tinny"',
      /model\.type is "Tinny": expected a model, one of Tiny; did you mean Tiny\?/,
    ],
    ['unknown key of a type', 'model.chanels=3', /model\.chanels is 3: unknown key; did you mean channels\?/],
    ['wrong value of a type', 'model.channels=-1', /model\.channels is -1: expected a number above 0/],
    [
      'wrong kind of value',
      'trainDataloader.batchSize="many"',
      /trainDataloader\.batchSize is "many": expected number/,
    ],
    [
      'unknown optimiser',
      'optimWrapper.optimizer.type="SDG"',
      /optimWrapper\.optimizer\.type is "SDG": expected an optimizer, one of .*; did you mean SGD\?/,
    ],
    [
      'unknown schedule',
      'paramScheduler.0.type="CosineLR"',
      /paramScheduler\[0\]\.type is "CosineLR": expected one of ConstantLR, LinearLR, .* and \d+ more/,
    ],
    ['fraction', 'trainDataloader.batchSize=2.5', /batchSize is 2\.5: expected a whole number/],
    ['misspelt choice', 'optimWrapper.amp="bfloat61"', /"bfloat61": expected .*; did you mean bfloat16\?/],
    [
      'unknown optimiser option',
      'optimWrapper.optimizer.nestrov=true',
      /optimWrapper\.optimizer\.nestrov is true: unknown key; did you mean nesterov\?/,
    ],
    [
      'unknown schedule option',
      'paramScheduler.0.tmax=3',
      /paramScheduler\[0\]\.tmax is 3: unknown key; did you mean tMax\?/,
    ],
    [
      'wrong choice',
      'optimWrapper.amp="fp16"',
      /optimWrapper\.amp is "fp16": expected "auto" or "bfloat16" or "float16" or "off"/,
    ],
    [
      'metric that does not exist',
      'valEvaluator.0.type="Hit"',
      /valEvaluator\[0\]\.type is "Hit": expected a metric, one of .*Hits; did you mean Hits\?/,
    ],
    [
      'unknown key in a record inside',
      'optimWrapper.paramwiseConfig.customKeys={"backbone":{"lrMul":0.1}}',
      /customKeys\.backbone\.lrMul is 0\.1: unknown key; did you mean lrMult\?/,
    ],
    [
      'every mistake of the alternative that is meant',
      'optimWrapper.clipGrad={"maxNorm":-5,"foo":1}',
      /clipGrad\.maxNorm is -5: expected a number above 0\n.*clipGrad\.foo is 1: unknown key; known keys: type, maxNorm, normType/,
    ],
    [
      'schedule that ends before it begins',
      'paramScheduler=[{"type":"CosineAnnealingLR","begin":5,"end":2}]',
      /^run\.ts: paramScheduler\[0\]\.end is 2: expected a number above begin, 5$/,
    ],
    [
      'schedule that begins after the training',
      'paramScheduler=[{"type":"CosineAnnealingLR","begin":500}]',
      /^run\.ts: paramScheduler\[0\]\.begin is 500: expected a number below \d+, where the training ends$/,
    ],
  ];
  it.each(cases)('%s', (_, change, message) => {
    expect(messageAbout([change])).toMatch(message);
  });

  it('all of them at once', () => {
    const message = messageAbout(['model.channels=0', 'optimWrapper.optimizer.lr=-1', 'oops=1']);
    expect(message).toMatch(/^run\.ts has 3 mistakes:\n/);
    expect(message.split('\n')).toHaveLength(4);
  });

  it('two hundred of them, where one was made more often', () => {
    const paramScheduler = Array.from({ length: 1000 }, () => ({ type: 'StepLr' }));
    const message = messageAbout([`paramScheduler=${JSON.stringify(paramScheduler)}`]);
    expect(message).toMatch(/^run\.ts has 1000 mistakes:\n/);
    expect(message).toMatch(/\n {2}and 800 more$/);
  });

  it('a missing part', () => {
    const { model: _, ...rest } = good;
    expect(() => checkConfig(rest)).toThrow(/model is missing: expected a model/);
  });

  it('a config that is no object', () => {
    expect(() => checkConfig(3)).toThrow(/the config is 3: expected an object/);
  });
});

describe('--set', () => {
  it('replaces values by path, in lists too, and creates objects', () => {
    const config = { a: { b: 1 }, list: [{ x: 1 }] };
    expect(applyOverrides(config, ['a.b=2', 'list.0.x=[1, 2]', 'c.d=text', 'e=null'])).toEqual({
      a: { b: 2 },
      list: [{ x: [1, 2] }],
      c: { d: 'text' },
      e: null,
    });
    expect(config.a.b).toBe(1);
  });

  it('refuses what has no path, what is not in the list, and what lies below a number', () => {
    expect(() => applyOverrides({}, ['3'])).toThrow(/--set 3: expected path=value/);
    expect(() => applyOverrides({ list: [] }, ['list.0=1'])).toThrow(
      /list is a list of 0 entries, which 0 does not index/,
    );
    expect(() => applyOverrides({ a: 1 }, ['a.b=1'])).toThrow(/a is 1, which has no b/);
    expect(() => applyOverrides({ a: 1 }, [`a.${'b'.repeat(1e6)}=1`])).toThrow(/^.{100,1500}$/);
  });
});

describe('a config file', () => {
  const folder = mkdtemp(join(tmpdir(), 'omma-config-'));
  const file = async (name: string, text: string) => {
    const path = join(await folder, name);
    await writeFile(path, text);
    return path;
  };

  it('may be TypeScript, JavaScript or JSON', async () => {
    const json = JSON.stringify(good);
    const files = [
      await file('a.ts', `const config: object = ${json};\nexport default config;`),
      await file('b.mjs', `export default ${json};`),
      await file('c.json', json),
    ];
    for (const path of files) expect(await loadConfig(path)).toEqual(good);
  });

  it('leaves the work directory to its name', async () => {
    const { workDir: _, ...rest } = good;
    const path = await file('stripes.json', JSON.stringify(rest));
    expect((await loadConfig(path)).workDir).toBe('work_dirs/stripes');
    expect((await loadConfig(path, { set: ['workDir=elsewhere'] })).workDir).toBe('elsewhere');
  });

  it('is named when it cannot be read', async () => {
    await expect(loadConfig('/nowhere.ts')).rejects.toThrow(/nowhere\.ts: cannot read the config \(ENOENT\)/);
    await expect(loadConfig(await file('d.json', '{'))).rejects.toThrow(/d\.json: .*JSON/);
    await expect(loadConfig(await file('config.toml', 'a = 1'))).rejects.toThrow(
      /expected a config \(\.ts, \.js, \.json, \.yaml or \.py\), found \.toml/,
    );
    await expect(loadConfig(await file('e.ts', 'throw new Error("oops\\n  twice")'))).rejects.toThrow(
      /e\.ts: oops twice; fix the file/,
    );
    const alone = await file('m.ts', 'import "@nobody/nothing";\nexport default {};');
    await expect(loadConfig(alone)).rejects.toThrow(
      /m\.ts: Cannot find module '@nobody\/nothing'; install that package/,
    );
  });
});

describe('the nearest name', () => {
  it('is close, or there is none', () => {
    expect(nearest('ResNt', ['VGG', 'ResNet'])).toBe('ResNet');
    expect(nearest('imagefolder', ['IdxDataset', 'ImageFolder'])).toBe('ImageFolder');
    expect(nearest('Transformer', ['VGG', 'ResNet'])).toBeNull();
  });
});

describe('parts of a config that need each other', () => {
  const without = (...names: (keyof Config)[]) => {
    const config: Record<string, unknown> = { ...tinyConfig('work') };
    for (const name of names) delete config[name];
    return config;
  };

  it('are named, all of them and with every other mistake, before anything begins', () => {
    const config = { ...without('trainConfig', 'optimWrapper', 'valEvaluator'), seed: 1 };
    expect(() => checkConfig(config, 'flowers.ts')).toThrow(
      ['flowers.ts has 4 mistakes:', '  seed is 1: unknown key; known keys:'].join('\n'),
    );
    const message = (value: unknown) => {
      try {
        checkConfig(value);
        return '';
      } catch (error) {
        return String(error);
      }
    };
    expect(message(config)).toMatch(
      /trainConfig is missing: expected beside trainDataloader: training needs/,
    );
    expect(message(config)).toMatch(/optimWrapper is missing: expected beside trainDataloader/);
    expect(message(config)).toMatch(/valEvaluator is missing: expected beside valDataloader/);
    expect(message(without('trainDataloader', 'trainConfig', 'optimWrapper'))).toMatch(
      /optimWrapper is missing: expected beside paramScheduler/,
    );
    expect(message(without('valDataloader'))).toMatch(
      /valDataloader is missing: expected beside valEvaluator/,
    );
    const testData = { dataset: { type: 'Stripes', length: 4 }, batchSize: 2 };
    expect(message({ ...without('valDataloader', 'valEvaluator'), testDataloader: testData })).toMatch(
      /testEvaluator is missing: expected beside testDataloader/,
    );
    expect(message({ ...without('valDataloader', 'valEvaluator'), testEvaluator: [] })).toMatch(
      /testDataloader is missing: expected beside testEvaluator/,
    );
  });

  it('may all be missing, and what another part says is not missing', () => {
    const { model, testDataloader = tinyConfig('work').valDataloader } = tinyConfig('work');
    expect(checkConfig({ model })).toEqual({ model });
    for (const config of [
      { ...without('valDataloader'), testDataloader },
      { ...without('valEvaluator'), valConfig: { loss: true } },
      { ...without(), valEvaluator: [] },
      without('valDataloader', 'valEvaluator'),
    ])
      expect(checkConfig(config)).toEqual(config);
  });
});

it('a registry without types says how one is registered', () => {
  const { error } = new Registry<Record<string, never>, null>('thing').schema().safeParse({ type: 'Mine' });
  expect(error?.issues[0]?.message).toMatch(
    /^expected a thing, but none is registered; import the module that registers yours into the config \(docs\/data\.md/,
  );
});
