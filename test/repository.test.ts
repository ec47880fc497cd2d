/**
 * What must hold for the repository as a whole: packages resolve the same way, core stays at the bottom, and nothing
 * that is tracked depends on the machine or the package mirror of whoever wrote it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

interface Manifest {
  readonly name: string;
  readonly type?: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folders = [...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`), 'tools'].filter(
  (folder) => existsSync(join(root, folder, 'package.json')),
);
const packages = folders.map((folder) => ({ folder, manifest: manifestIn(folder) }));

/** Rooms from the bottom up; a package may depend only on rooms before its own. */
const rooms = [
  ['core'],
  ['nn', 'cpu', 'collectives', 'board', 'storage'],
  ['onnx'],
  ['cv', 'ascend'],
  ['engine'],
  ['classification'],
  ['cli'],
  ['tools'],
];

describe('every package', () => {
  test.each(packages)('$folder resolves to source, types and dist, in this order', ({ manifest }) => {
    expect(manifest.type).toBe('module');
    expect(Object.entries(manifest.exports?.['.'] ?? {})).toEqual([
      ['@omma/source', './src/index.ts'],
      ['types', './dist/index.d.ts'],
      ['default', './dist/index.js'],
    ]);
    expect(manifest.exports?.['./package.json']).toBe('./package.json');
  });

  test.each(packages)('$folder is named after its folder', ({ folder, manifest }) => {
    expect(manifest.name).toBe(`@omma/${folder.replace('packages/', '')}`);
  });

  test.each(packages.filter(({ folder }) => folder !== 'tools'))(
    '$folder is in the tables of README.md and docs/design.md',
    ({ manifest: { name } }) => {
      for (const file of ['README.md', 'docs/design.md'])
        expect(readFileSync(join(root, file), 'utf8')).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'));
    },
  );

  test.each(packages)('$folder runs no script when it is installed', ({ manifest }) => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(Object.keys(manifest.scripts ?? {}).filter((name) => hooks.includes(name))).toEqual([]);
  });

  test.each(packages)('$folder is built by tsc -b, after what it depends on', ({ folder, manifest }) => {
    expect(referencesIn('.')).toContain(folder);
    expect(referencesIn(folder)).toEqual(dependenciesWithin(manifest).map((name) => `packages/${name}`));
  });

  test.each(packages)('$folder depends only on lower rooms', ({ manifest }) => {
    const own = roomOf(manifest.name.replace('@omma/', ''));
    expect(dependenciesWithin(manifest).filter((name) => roomOf(name) >= own)).toEqual([]);
  });
});

test('core depends on nothing', () => {
  const core = manifestIn('packages/core');
  expect(core.dependencies).toBeUndefined();
  expect(core.peerDependencies).toBeUndefined();
  expect(core.optionalDependencies).toBeUndefined();
});

test('no tracked file names a package registry or a folder of a developer', () => {
  const forbidden = [
    {
      what: 'a package registry',
      pattern: /registry\.(?:npmjs|yarnpkg|npmmirror)\b|"resolved": "https?:|^\s*(?:@\w+:)?registry\s*=/m,
    },
    { what: 'a home folder', pattern: /(?:^|[\s"'`(=:])\/(?:home|Users|root|work)\/\w|\b[A-Z]:\\Users\\/m },
  ];
  const found = trackedTexts().flatMap(({ file, text }) =>
    forbidden.filter(({ pattern }) => pattern.test(text)).map(({ what }) => `${file} names ${what}`),
  );
  expect(found).toEqual([]);
});

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}

function dependenciesWithin(manifest: Manifest): string[] {
  const names = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@omma/'));
  return names.map((name) => name.replace('@omma/', '')).sort();
}

/** Folders that a tsconfig.json refers to, from the root of the repository. */
function referencesIn(folder: string): string[] {
  const config: { references?: { path: string }[] } = JSON.parse(
    readFileSync(join(root, folder, 'tsconfig.json'), 'utf8'),
  );
  return (config.references ?? []).map(({ path }) => join(folder, path)).sort();
}

function roomOf(name: string): number {
  const room = rooms.findIndex((names) => names.includes(name));
  if (room === -1)
    throw new Error(`expected ${name} in the list of rooms, found none: add it to ${import.meta.url}`);
  return room;
}

/** Files with a zero byte in their first 8000 are pictures and weights, as git sees it. */
function trackedTexts(): { file: string; text: string }[] {
  return execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(root, file)))
    .map((file) => ({ file, bytes: readFileSync(join(root, file)) }))
    .filter(({ bytes }) => !bytes.subarray(0, 8000).includes(0))
    .map(({ file, bytes }) => ({ file, text: bytes.toString('utf8') }));
}
