/** Mistakes in TypeScript configs come with their lines. */

import { describe, expect, it } from 'vitest';
import { moduleLines } from '../src/config/moduleLines.ts';
import { loadConfig } from '../src/index.ts';
import { configFiles, withoutFolders } from './support/configFiles.ts';

const text = `import { defineConfig } from '@omma/engine';

export const model = (depth: 18 | 50) => ({
  backbone: { depth },
});

const rates = { first: 1 } as const;

export default defineConfig(async (): Promise<object> => ({
  model: {
    'backbone': {
      depth: 18,
    },
    head: rates,
  },
  schedules: [
    { gamma: 1 },
    ({
      gamma: 2,
    } satisfies object),
  ],
  ...rates,
}));
`;

describe('the line of a key', () => {
  const lineOf = moduleLines(text);
  const cases: [string, (string | number)[], number | undefined][] = [
    ['at the top', ['model'], 10],
    ['inside, quoted or not', ['model', 'backbone', 'depth'], 12],
    ['in a list, in parentheses, before satisfies', ['schedules', 1, 'gamma'], 19],
    ['is that of the key around it, where the value comes from elsewhere', ['model', 'head', 'first'], 14],
    ['is that of the list entry, where the key is missing', ['schedules', 1, 'milestones'], 18],
    ['is that of the exported object, where two have the key', ['model', 'backbone'], 11],
    ['does not exist where nothing has the key', ['device'], undefined],
  ];
  it.each(cases)('%s', (_, path, line) => {
    expect(lineOf(path)).toBe(line);
  });

  it('is looked for in text that is no TypeScript, and in brackets without end', () => {
    expect(moduleLines('= } {{{ a: : 3')(['b'])).toBeUndefined();
    expect(moduleLines(`export default ${'['.repeat(3000)}`)(['a'])).toBeUndefined();
  });
});

it('a mistake in a TypeScript config, or in its TypeScript base, names file and line', async () => {
  const file = await configFiles({
    'a.ts': "export default {\n  extends: './base.ts',\n  trainConfig: {\n    maxEpoch: 3,\n  },\n};\n",
    'base.ts':
      "const seed = -1;\nexport default {\n  randomness: {\n    seed,\n  },\n  model: { type: 'None' },\n};\n",
  });
  const message = await loadConfig(file).catch((error: Error) => withoutFolders(error.message));
  expect(message).toMatch(/trainConfig\.maxEpoch is 3: unknown key; did you mean maxEpochs\? \(a\.ts:4\)/);
  expect(message).toMatch(/randomness\.seed is -1: expected a number at least 0 \(base\.ts:4\)/);
});
