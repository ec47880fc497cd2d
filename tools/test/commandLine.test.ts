/** Every tool has help, and answers wrong usage with a line, how it is used, and exit code 2. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { OmmaError } from '@omma/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runTool, UsageError, wholeNumber } from '../src/commandLine.ts';

const usage = 'usage: node tool.js [options]\n\n  --count N  how many\n';

/** What a tool with one option prints and ends with. */
async function run(argv: string[], main: (count: string) => number = () => 0) {
  const text = { out: '', err: '' };
  const listen = (stream: 'stdout' | 'stderr', kind: 'out' | 'err') =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      text[kind] += String(chunk);
      return true;
    });
  listen('stdout', 'out');
  listen('stderr', 'err');
  await runTool(
    'tool',
    usage,
    async (args) =>
      main(parseArgs({ args, options: { count: { type: 'string', default: '1' } } }).values.count),
    argv,
  );
  return { ...text, code: process.exitCode };
}

describe('a tool', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  it('has help, and ends with what it has come to', async () => {
    expect(await run(['--count', '3', '--help'])).toEqual({ out: usage, err: '', code: undefined });
    expect(await run(['--count', '3'], Number)).toEqual({ out: '', err: '', code: 3 });
  });

  it('answers wrong usage with a line and how it is used', async () => {
    const unknown = await run(['--cuont', '3']);
    expect(unknown).toEqual({
      out: '',
      err: expect.stringMatching(/^tool: Unknown option '--cuont'/),
      code: 2,
    });
    expect(unknown.err.endsWith(`\n\n${usage}`)).toBe(true);
    expect((await run(['--count', 'x'], (count) => wholeNumber('count', count))).err).toBe(
      `tool: --count: expected a whole number of at least 0 but found "x"\n\n${usage}`,
    );
    const missing = await run([], () => {
      throw new UsageError('expected a file');
    });
    expect([missing.code, missing.err]).toEqual([2, `tool: expected a file\n\n${usage}`]);
  });

  it('answers a mistake of its user with a line, and throws what is its own', async () => {
    const mistaken = await run([], () => {
      throw new OmmaError('a.json: cannot be read');
    });
    expect([mistaken.code, mistaken.err]).toEqual([1, 'tool: a.json: cannot be read\n']);
    await expect(
      run([], () => {
        throw new TypeError('a defect');
      }),
    ).rejects.toThrow('a defect');
  });

  it.each(['-1', '1.5', '', '12345678901'])('takes no %j for a whole number', (text) => {
    expect(() => wholeNumber('count', text)).toThrow(UsageError);
  });

  const main = join(import.meta.dirname, '../dist/fuzz/main.js');
  if (!existsSync(main)) console.warn('SKIPPED: a tool as a process: it is not built, run `npm run build`');
  it.skipIf(!existsSync(main))('is so as a process too', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--target', 'zips'], {
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^fuzz: --target zips: there is none; known are .*\n\nusage: node tools\/dist\/fuzz/,
    );
  });
});
