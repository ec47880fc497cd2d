/** The JSON Schema by which editors complete configs says what the check at start says. */

import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { configJsonSchema, loadConfig, registeredTypes } from '../src/index.ts';
import { configFiles } from './support/configFiles.ts';
import { tinyConfig } from './support/tiny.ts';

const validate = new Ajv({ strict: false, validateFormats: false }).compile(configJsonSchema());
const good = tinyConfig('work');

describe('the JSON Schema of configs', () => {
  const right: [string, object][] = [
    ['a whole config', good],
    ['one with $schema', { $schema: './omma.schema.json', ...good }],
    ['a part of one on top of others', { extends: 'base.yaml', model: { _delete_: true }, trainConfig: {} }],
    ["OpenMMLab's names on top of OpenMMLab's files", { _base_: 'a.py', train_cfg: { max_epochs: 3 } }],
    ['a hook with a priority', { ...good, customHooks: [{ type: 'EMAHook', priority: 'LOW' }] }],
    [
      'wrappers in wrappers',
      {
        ...good,
        trainDataloader: {
          batchSize: 2,
          dataset: {
            type: 'RepeatDataset',
            times: 2,
            dataset: { type: 'ConcatDataset', datasets: [good.trainDataloader?.dataset] },
          },
        },
      },
    ],
  ];
  it.each(right)('takes %s', (_, config) => {
    validate(config);
    expect(validate.errors).toBeNull();
  });

  const { model: _, ...modelless } = good;
  const wrong: [string, object][] = [
    ['an unknown key', { ...good, trainConfg: {} }],
    ['one in a part of a config', { extends: 'base.yaml', trainConfig: { maxEpoch: 3 } }],
    ['a missing model', modelless],
    ['an unknown type', { ...good, optimWrapper: { optimizer: { type: 'SGDD', lr: 1 } } }],
    [
      'an option that the type has not',
      { ...good, optimWrapper: { optimizer: { type: 'Adam', lr: 1, momentum: 0.9 } } },
    ],
    ['a value out of range', { ...good, optimWrapper: { optimizer: { type: 'Adam', lr: -1 } } }],
    [
      'an incomplete entry of a list on top of others',
      { extends: 'base.yaml', paramScheduler: [{ type: 'StepLR' }] },
    ],
  ];
  it.each(wrong)('refuses %s', (_, config) => {
    expect(validate(config)).toBe(false);
  });

  it('names the mistake alone, not what it would be in every other type', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    const all = ajv.compile(configJsonSchema());
    const optimWrapper = { optimizer: { type: 'Adam', lr: 1, momentum: 0.9 } };
    all({
      ...good,
      optimWrapper,
      paramScheduler: [{ type: 'StepLR', stepSize: 3, gama: 1 }, { type: 'Step' }],
    });
    const told = all.errors?.filter(({ keyword }) => keyword !== 'if') ?? [];
    expect(told.map(({ instancePath, keyword }) => `${instancePath} ${keyword}`)).toEqual([
      '/optimWrapper/optimizer additionalProperties',
      '/paramScheduler/0 additionalProperties',
      '/paramScheduler/1/type enum',
    ]);
  });

  it('takes the options of any type where a base says which', () => {
    expect(validate({ extends: 'base.yaml', optimWrapper: { optimizer: { lr: 3, momentum: 0.9 } } })).toBe(
      true,
    );
    expect(validate({ extends: 'base.yaml', optimWrapper: { optimizer: { lr: 3, momentun: 0.9 } } })).toBe(
      false,
    );
  });

  it('has the docstrings of the types, those of inner objects too', () => {
    const text = JSON.stringify(configJsonSchema());
    const { properties } = JSON.parse(text).definitions.config;
    expect(properties.workDir.description).toBe(
      'Where logs and checkpoints go; work_dirs/<config name> unless given.',
    );
    expect(properties.visualizer.properties.logEveryRank.description).toMatch(/log\.rank1\.jsonl/);
    expect(text).toContain('"part_of_config"');
  });

  it('is no part of the config that names it', async () => {
    const file = await configFiles({ 'a.json': JSON.stringify({ $schema: 'x.json', ...good }) });
    expect(await loadConfig(file)).toEqual(good);
  });
});

it('every registered type is known with its registry and the file that registers it', () => {
  const types = registeredTypes();
  expect(types).toContainEqual({
    kind: 'optimizer',
    name: 'SGD',
    declaredAt: expect.stringMatching(/optim\/register\.ts$/),
  });
  expect(types.filter(({ declaredAt }) => declaredAt === null)).toEqual([]);
});
