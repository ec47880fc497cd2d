/** The committed page of what chips run of our models is what the operator table and the lowering say today. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { chips, modelPage, modelRows, tabledModels } from '../../src/ascend/modelTable.ts';

const page = readFileSync(new URL('../../../docs/ascend/models.md', import.meta.url), 'utf8');
const lines = page.split('\n').filter((line) => line.startsWith('| resnet'));

it('holds two graphs of every model on every chip, and nothing fails', async () => {
  const models = await tabledModels();
  expect(lines.length).toBe(models.length * chips.length * 2);
  for (const line of lines) expect(line.split('|')[6]?.trim(), line).toBe('0');
});

it('is current: the words around the table, and the rows of the small models', async () => {
  expect(modelPage(lines)).toBe(page);
  for (const model of (await tabledModels()).filter(({ name }) => name.startsWith('resnet18'))) {
    const own = lines.filter((line) => line.startsWith(`| ${model.name} |`));
    expect(own, 'run node tools/dist/ascend/main.js').toEqual(modelRows(model));
  }
});
