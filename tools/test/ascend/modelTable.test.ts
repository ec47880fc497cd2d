/** The committed page of what chips run of our models is what the operator table and the lowering say today. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/ascend/models.md'), 'utf8');

it('holds two graphs of eight models on three chips, and nothing fails', () => {
  const lines = page.split('\n').filter((line) => line.startsWith('| resnet'));
  expect(lines).toHaveLength(8 * 3 * 2);
  for (const line of lines) expect(line.split('|')[6]?.trim(), line).toBe('0');
});

it('is current: the words around the table, and the rows of the small models', () => {
  const program = join(root, 'tools/dist/ascend/main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--check', 'resnet18'], {
    encoding: 'utf8',
  });
  expect(`${stdout}${stderr}`, 'run node tools/dist/ascend/main.js').toBe('24 rows made, 0 differ\n');
  expect(status).toBe(0);
});
