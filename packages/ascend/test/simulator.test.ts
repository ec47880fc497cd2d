/**
 * The simulator's runtime, rule by rule. The cases are C++ (packages/ascend/simulator/test), because they call the
 * library as a C program does; each runs in a process of its own, because some must end it and settings are read once.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../simulator/build/bin/simulator_test', import.meta.url));
const start = promisify(execFile);

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

async function run(number: number): Promise<Ended> {
  try {
    const { stderr } = await start(program, [String(number)], { timeout: 30_000 });
    return { code: 0, signal: null, stderr };
  } catch (error) {
    return endOf(error);
  }
}

/** What execFile's error says about how the program ended. */
function endOf(error: unknown): Ended {
  if (!(error instanceof Error) || !('stderr' in error) || !('signal' in error) || !('code' in error))
    throw error;
  const { stderr, signal, code } = error;
  return {
    code: typeof code === 'number' ? code : null,
    signal: typeof signal === 'string' ? signal : null,
    stderr: String(stderr),
  };
}

describe.runIf(existsSync(program))('the simulator of AscendCL', () => {
  const cases = existsSync(program)
    ? execFileSync(program, ['--list'], { encoding: 'utf8' }).trimEnd().split('\n')
    : [];

  test.each(cases.map((line, number) => ({ number, ends: line.split('\t')[0], claim: line.split('\t')[1] })))(
    '$claim',
    async ({ number, ends }) => {
      const ended = await run(number);
      if (ends === 'dies') {
        expect(ended.signal, ended.stderr).toBe('SIGSEGV');
      } else {
        expect(ended.code, ended.stderr).toBe(0);
      }
    },
  );

  test('a trap says that device memory was touched', async () => {
    const number = cases.findIndex((line) => line.endsWith('the host reading device memory traps'));
    expect((await run(number)).stderr).toContain('the host touched memory of device 0');
  });
});

if (!existsSync(program)) {
  test('the simulator of AscendCL', ({ skip }) => {
    skip(`no ${program}: node scripts/setup.mjs --only simulator builds it, or says why not`);
  });
}
