/**
 * The programs in README and documents compile as a careful user's would: strict, and with unchecked indexed access refused. A block is a module, a part of a
 * config (`trainConfig: { ... }`), or a part of a module, which stands in `surroundings`.
 */

import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { placesInConfig, surroundings } from './documents/surroundings.ts';

const root = join(import.meta.dirname, '..');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`),
];

/** A block as a file to compile: where its first line says so, else named by its page. */
interface Program {
  readonly file: string;
  readonly code: string;
}

const programs = pages.filter((page) => page.endsWith('.md')).flatMap(programsOf);

function programsOf(page: string): Program[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => {
    const code = match[1] ?? '';
    const line = text.slice(0, match.index).split('\n').length;
    const folder = page.replace(/\W/g, '_');
    // config.ts is what several blocks of a page are called.
    const named = /^\/\/ (\S+\.ts)\b/.exec(code)?.[1];
    const file = named === undefined || named === 'config.ts' ? `line${line}.ts` : named;
    return { file: `${folder}/${file}`, code: completed(code) };
  });
}

function completed(block: string): string {
  // An ellipsis stands for more of the same.
  const code = block
    .replace(/^\s*\.\.\.,?$/gm, '')
    .replace(/\[\.\.\.\]/g, '[]')
    .replace(/ \.\.\.,/g, '');
  const around = surroundings.find(({ part }) => code.includes(part))?.around;
  if (around !== undefined) return around.replace('%', () => code);
  return /^\w+: /.test(code) ? partsOfConfig(code) : code;
}

/** Each value on its own: a block may show a key twice. */
function partsOfConfig(code: string): string {
  const parts = code.split(/^(?=\w+: )/m).map((part) => {
    const key = /^\w+/.exec(part)?.[0] ?? '';
    const type = placesInConfig[key] ?? 'Partial<Config>';
    return `const _: ${type} = {\n${part.replace(/;(?=\s*$)/, '')}\n};`;
  });
  const head = "import type {} from '@omma/classification';\nimport type { Config } from '@omma/engine';";
  return `${head}\n${parts.map((part, i) => `export ${part.replace('const _', `const part${i}`)}`).join('\n')}`;
}

it('every program of README and documents passes tsc --strict --noUncheckedIndexedAccess', () => {
  expect(programs.length).toBeGreaterThanOrEqual(35);
  const folder = mkdtempSync(join(tmpdir(), 'omma-documents-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const { file, code } of programs) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), code);
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noUncheckedIndexedAccess: true,
        target: 'ES2022',
        lib: ['ES2023'],
        module: 'NodeNext',
        moduleDetection: 'force',
        allowImportingTsExtensions: true,
        noEmit: true,
        skipLibCheck: true,
        types: ['node'],
      },
      files: programs.map(({ file }) => file),
    }),
  );
  const tsc = join(root, 'node_modules/.bin/tsc');
  const run = spawnSync(tsc, ['-p', folder], { cwd: folder, encoding: 'utf8' });
  expect(run.stdout + run.stderr).toBe('');
  expect(run.status).toBe(0);
}, 60_000);
