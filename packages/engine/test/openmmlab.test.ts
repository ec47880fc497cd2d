import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OmmaError } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Budget } from '../src/config/budget.ts';
import { readConfigFile, sourceAt, toPlain } from '../src/index.ts';
import { configFiles, configFolder, withoutFolders } from './support/configFiles.ts';

const fixtures = fileURLToPath(new URL('fixtures/openmmlab/', import.meta.url));
const expected = z
  .record(z.string(), z.record(z.string(), z.json()))
  .parse(JSON.parse(await readFile(join(fixtures, 'expected.json'), 'utf8')));

async function valuesOf(file: string): Promise<unknown> {
  return toPlain(await readConfigFile(file), new Budget());
}

async function messageOf(file: string): Promise<string> {
  const error: unknown = await readConfigFile(file).then(
    () => 'no error',
    (reason) => reason,
  );
  if (!(error instanceof OmmaError)) throw new Error(`not an OmmaError: ${String(error)}`, { cause: error });
  expect(error.message).not.toContain('\n');
  return withoutFolders(error.message);
}

describe('a config of OpenMMLab resolves to what MMEngine 0.10.7 makes of it', () => {
  // expected.json is Config.fromfile(...).to_dict(), tuples and sets as lists.
  it.each(Object.entries(expected))('%s', async (name, values) => {
    expect(await valuesOf(join(fixtures, name))).toEqual(values);
  });
});

it('writes numbers as Python does, halves to the even neighbour', async () => {
  const file = await configFiles({
    'x.py': "a = f'{0.125:.2f} {2.5:.0f} {3.5:.0f} {0.005:.0%} {2.675:.2f}'",
  });
  // Python 3.11 prints this.
  expect(await valuesOf(file)).toEqual({ a: '0.12 2 4 0% 2.67' });
});

describe('what is no data is refused with file, line and column', () => {
  const cases: [string, string, string][] = [
    ['syntax', 'a = 1\nb = (2', 'x.py:2:7: this is no Python; fix the syntax here'],
    ['an unknown name', 'depth = 1\na = dpeth', 'x.py:2:5: dpeth is not defined above; did you mean depth?'],
    [
      'running something',
      "import os\na = os.system('x')",
      'x.py:1:1: import os: configs may import copy and math',
    ],
    [
      'calling what is imported',
      'from torch import load\na = load(1)',
      'x.py:2:5: load(...) cannot be evaluated: what is imported is only named',
    ],
    ['open', "a = open('x')", 'x.py:1:5: open is not defined above'],
    ['eval', "a = eval('1')", 'eval is not defined above'],
    [
      'what JavaScript has by itself',
      "a = 'x'.constructor()",
      'x.py:1:9: .constructor() of a str is not among',
    ],
    ['the same of a dict', 'a = {}.toString()', '.toString() of a dict is not among'],
    ['the same of a list', 'a = [].__proto__()', '.__proto__() of a list is not among'],
    ['attributes of data', "a = ''.__class__", 'x.py:1:8: a str has no attribute __class__'],
    ['methods that are not listed', 'a = [1].__reduce__()', 'x.py:1:9: .__reduce__() of a list is not among'],
    [
      'attributes of a plain dict',
      'a = dict(b=1)\nc = a.b',
      "x.py:2:7: a dict has no attribute b; write ['b']",
    ],
    ['lambda', 'a = lambda: 1', 'not a lambda expression'],
    ['class', 'class A:\n    pass', 'x.py:1:1: a config is data and runs nothing: class'],
    ['while', 'while True:\n    pass', 'x.py:1:1: a config is data and runs nothing: while'],
    ['try', 'try:\n    a = 1\nexcept E:\n    a = 2', 'x.py:1:1: a config is data and runs nothing: try'],
    [
      'a function called',
      'def f():\n    return 1\na = f()',
      'x.py:3:5: f(...) cannot be evaluated: it is no function',
    ],
    [
      'another context manager',
      "with open('x') as f:\n    pass",
      'the only with that a config can have is with read_base()',
    ],
    ['bytes', "a = b'x'", 'x.py:1:5: expected a text that ends on its quote'],
    ['an open quote', "a = 'x", 'x.py:1:7: this is no Python'],
    ['adding apples', "a = 1 + 'x'", 'x.py:1:5: + cannot be applied to int and str'],
    ['division by zero', 'a = 1 / 0', 'x.py:1:5: division by zero'],
    ['whole numbers beyond 2^53', 'a = 2 ** 60', 'is beyond the whole numbers that a config can hold'],
    [
      'a key that is missing',
      "a = dict(depth=1)\nb = a['dept']",
      'x.py:2:7: there is no key dept; did you mean depth?',
    ],
    ['an index outside', 'a = [1, 2]\nb = a[2]', 'x.py:2:7: 2 does not index a list of 2 entries'],
    ['an argument given twice', 'a = dict(b=1, **dict(b=2))', 'x.py:1:15: b is given twice'],
    ['a reserved name', 'text = 1', 'x.py:1: text is a name that OpenMMLab keeps for itself'],
    ['columns after numbers such as 1.', 'a = [1., 2., x]', 'x.py:1:14: x is not defined above'],
  ];
  it.each(cases)('%s', async (_, text, message) => {
    expect(await messageOf(await configFiles({ 'x.py': text }))).toContain(message);
  });
});

describe('inheritance', () => {
  const lazy = 'from mmengine.config import read_base\nwith read_base():\n    from .y import *\n';
  const refused: [string, Readonly<Record<string, string>>, string][] = [
    [
      'a key that two bases have, with both places',
      { 'x.py': "_base_ = ['a.py', 'b.py']", 'a.py': 'k = 1', 'b.py': '\nk = 2' },
      'x.py:1: two bases have the same key: k (a.py:1 and b.py:2); leave it to one of them',
    ],
    [
      'a dict over something else, with both places',
      { 'x.py': "_base_ = 'a.py'\nm = dict(k=dict(v=1))", 'a.py': 'm = dict(\n  k=3)' },
      'x.py:2: m.k is a dict but a int in the base (a.py:2); add _delete_ to replace it',
    ],
    [
      'a circle',
      { 'x.py': "_base_ = 'y.py'", 'y.py': "_base_ = 'x.py'" },
      'x.py: the config is its own base (x.py -> y.py -> x.py); break the circle',
    ],
    [
      'a base that is not there',
      { 'x.py': "\n_base_ = 'no.py'" },
      'no.py: cannot read the config (ENOENT), named at x.py:2; check the path',
    ],
    [
      'a base of the new style',
      { 'x.py': "_base_ = 'z.py'", 'z.py': lazy, 'y.py': '' },
      'so _base_ cannot name it',
    ],
    [
      'a base of the old style',
      { 'x.py': lazy, 'y.py': "_base_ = 'z.py'", 'z.py': '' },
      'y.py:1:1: a file that read_base() reads cannot have _base_',
    ],
    [
      'a variable that is not set',
      { 'x.py': "\nroot = '{{$OMMA_TEST_UNSET:}}'" },
      'x.py:2: {{$OMMA_TEST_UNSET:}} has no default',
    ],
  ];
  it.each(refused)('refuses %s', async (_, files, message) => {
    expect(await messageOf(await configFiles(files))).toContain(message);
  });

  it('finds bases in packages when told where packages are', async () => {
    const file = await configFiles({ 'x.py': "_base_ = 'mmdet::a.py'" });
    expect(await messageOf(file)).toContain('the base mmdet::a.py lies in the Python package mmdet');
    const packages = join(await configFolder, 'packages');
    await mkdir(join(packages, 'mmdet/.mim/configs'), { recursive: true });
    await writeFile(join(packages, 'mmdet/.mim/configs/a.py'), 'm = dict(type="X", n=dict(type="Y"))');
    const values = await readConfigFile(file, { packageFolders: [packages] });
    expect(toPlain(values, new Budget())).toEqual({ m: { type: 'X', n: { type: 'Y' }, _scope_: 'mmdet' } });
  });

  it('writes numbers as Python does, also a zero with its sign', async () => {
    const text =
      "a = f'{-0.0:.1f} {-0.04:.1f} {-0.0:.2e} {-0.0:05.1f} {-0.001:.1%} {0.04:.1f} {-0.5:.0f} {-1.5:.0f}'";
    const values = await readConfigFile(await configFiles({ 'x.py': text }));
    expect(toPlain(values)).toEqual({ a: '-0.0 -0.0 -0.00e+00 -00.0 -0.1% 0.0 -0 -2' });
  });

  it('tells which file and line set a value', async () => {
    const values = await readConfigFile(join(fixtures, '04_merge.py'));
    const place = (...path: string[]) => {
      const source = sourceAt(values, path);
      return `${source?.file.split('/').at(-1)}:${source?.line}`;
    };
    expect(place('model', 'backbone', 'depth')).toBe('04_merge.py:3');
    expect(place('model', 'backbone', 'num_stages')).toBe('model.py:6');
    expect(place('model', 'head', 'in_channels')).toBe('04_merge.py:5');
  });

  it('tells of deprecation', async () => {
    const warnings: string[] = [];
    await readConfigFile(join(fixtures, '19_notes.py'), { onWarning: (text) => warnings.push(text) });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/19_notes\.py is deprecated; use \.\/04_merge\.py \(see a page\)$/);
  });
});

describe('a hostile config ends in an error', () => {
  const doubled = (times: number) =>
    `a = ['x']\n${Array.from({ length: times }, () => 'a = [a, a]').join('\n')}`;
  const cases: [string, string][] = [
    ['a list of 10^12', 'a = [0] * 10 ** 12'],
    ['a text of 10^12', "a = 'x' * 10 ** 12"],
    ['a range of 10^12', 'a = range(10 ** 12)'],
    ['loops in loops', 'for i in range(100000):\n    for j in range(100000):\n        a = 1'],
    ['a list that holds itself', 'a = []\na.append(a)'],
    ['a dict that holds itself', "a = dict()\na['x'] = a"],
    ['two to the power of 60 references', doubled(60)],
    ['brackets 500 deep', `a = ${'['.repeat(500)}${']'.repeat(500)}`],
    ['minus signs 500 deep', `a = ${'-'.repeat(500)}1`],
    ['comprehensions in comprehensions', 'r = range(2000)\na = [0 for x in r for y in r for z in r]'],
    ['replacing with much', "a = ('x' * 100000).replace('x', 'y' * 100000)"],
    ['measuring a long text', "a = 'x' * 10000000\nfor i in range(20):\n    b = len(a)"],
    ['looking into a long text', "a = 'x' * 10000000\nfor i in range(99):\n    b = 'y' in a"],
    ['searching a long text', "a = 'x' * 10000000\nfor i in range(99):\n    b = a.upper()"],
    ['squaring', 'a = [1, 2]\nfor i in range(64):\n    a = a + a'],
  ];
  it.each(cases)('%s', async (_, text) => {
    const file = await configFiles({ 'x.py': text });
    const read = readConfigFile(file).then((values) => toPlain(values, new Budget()));
    await expect(read).rejects.toThrow(/more than \d+ (steps|levels)/);
  });

  it('bases that double at each level', async () => {
    const texts = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `b${i}.py`,
        i === 39 ? '' : `_base_ = ['b${i + 1}.py', 'b${i + 1}.py']`,
      ]),
    );
    expect(await messageOf(await configFiles(texts))).toContain('the config reads more than 500 files');
  });

  it('a file of two megabytes', async () => {
    expect(await messageOf(await configFiles({ 'x.py': `# ${'x'.repeat(2 << 20)}` }))).toContain(
      'expected a config of at most 1048576 bytes',
    );
  });

  it('a thousand mutations of real files give values or a message, nothing else', async () => {
    const texts = await Promise.all(
      Object.keys(expected).map((name) => readFile(join(fixtures, name), 'utf8')),
    );
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const alphabet = '()[]{}:,.\'"=*+-\\\n {{_base_.x}}fdict01#';
    const base = join(fixtures, '_base_');
    const failures: string[] = [];
    for (let i = 0; i < 1000; i++) {
      const text = [...(texts[random(texts.length)] ?? '').replaceAll('_base_/', `${base}/`)];
      for (let changes = 1 + random(4); changes > 0; changes--)
        text.splice(
          random(text.length),
          random(6),
          ...[...alphabet].slice(random(alphabet.length)).slice(0, random(3)),
        );
      const file = join(await configFolder, `mutated${i % 3 === 0 ? '.yaml' : '.py'}`);
      await writeFile(file, text.join(''));
      await readConfigFile(file)
        .then((values) => toPlain(values, new Budget()))
        .catch((error) => {
          if (!(error instanceof OmmaError)) failures.push(`${String(error)}\n${text.join('')}`);
        });
    }
    expect(failures).toEqual([]);
  });
});
