/** Every tool has help, and answers wrong usage with a line, how it is used, and exit code 2. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const dist = join(import.meta.dirname, '../dist');
const isBuilt = existsSync(join(dist, 'commandLine.js'));
if (!isBuilt)
  console.warn('SKIPPED: the command lines of the tools: they are not built, run `npm run build`');

function tool(name: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(dist, name, 'main.js'), ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe.skipIf(!isBuilt)('a tool', () => {
  it.each(['bench', 'configs', 'conformance', 'curves', 'demo', 'fuzz', 'golden', 'resume'])(
    '%s refuses an option that it does not know, and says which it knows',
    (name) => {
      const { status, stdout, stderr } = tool(name, '--no-such-option');
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(
        new RegExp(`^${name}: Unknown option '--no-such-option'.*\\n\\nusage: (npm run|node) [^]*--`),
      );
      expect(stderr).not.toContain('    at ');
    },
  );

  it('has help', () => {
    expect(tool('fuzz', '--help')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^usage: node tools\/dist\/fuzz\/main\.js \[options\]\n/),
      stderr: '',
    });
  });

  it('says what it expects where a value is wrong', () => {
    expect(tool('fuzz', '--target', 'zips').stderr).toMatch(
      /^fuzz: --target zips: there is none; known are /,
    );
    expect(tool('resume', '--workers', '1,x').stderr).toMatch(/^resume: --workers: expected a whole number/);
  });
});
