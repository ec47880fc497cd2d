/**
 * The simulator's runtime, rule by rule. The cases are C++ (packages/ascend/simulator/test), because they call the
 * library as a C program does; each runs in a process of its own, because some must end it and settings are read once.
 */
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { missingInSimulator, simulatorHome } from './support/simulator.ts';

const program = join(simulatorHome, 'bin', 'simulator_test');
const missing = missingInSimulator('bin/simulator_test');
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

if (missing !== null) {
  test('the simulator of AscendCL', ({ skip }) => skip(missing));
} else {
  describe('the simulator of AscendCL', () => {
    const cases = execFileSync(program, ['--list'], { encoding: 'utf8' })
      .trimEnd()
      .split('\n')
      .map((line, number) => ({ number, dies: line.startsWith('dies\t'), claim: line.split('\t')[1] }));

    test.each(cases)('$claim', async ({ number, dies }) => {
      const ended = await run(number);
      if (dies) expect(ended.signal, ended.stderr).toBe('SIGSEGV');
      else expect(ended.code, ended.stderr).toBe(0);
    });

    test('a trap says that device memory was touched', async () => {
      const number = cases.findIndex(({ claim }) => claim === 'the host reading device memory traps');
      expect((await run(number)).stderr).toContain('the host touched memory of device 0');
    });
  });
}
