/** The README's programs compile as a careful user's would: strict, and with unchecked indexed access refused. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const root = join(import.meta.dirname, '..');
const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
  ([, code]) => code ?? '',
);
/** A block with an ellipsis is a part of a file. */
const programs = blocks.filter((code) => code.startsWith('import ') && !/^\s*\.\.\.$/m.test(code));

it('every program of the README passes tsc --strict --noUncheckedIndexedAccess', () => {
  expect(programs.length).toBeGreaterThanOrEqual(2);
  const folder = mkdtempSync(join(tmpdir(), 'omma-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const files = programs.map((code, i) => {
    const name = `program${i}.ts`;
    writeFileSync(join(folder, name), code);
    return name;
  });
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noUncheckedIndexedAccess: true,
        target: 'ES2022',
        module: 'NodeNext',
        noEmit: true,
        skipLibCheck: true,
        types: ['node'],
      },
      files,
    }),
  );
  const tsc = join(root, 'node_modules/.bin/tsc');
  const run = spawnSync(tsc, ['-p', folder], { cwd: folder, encoding: 'utf8' });
  expect(run.stdout + run.stderr).toBe('');
  expect(run.status).toBe(0);
}, 60_000);
