/** What passes before anything happens: the time until `omma` answers, and until a training step is compiled. No peers. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Benchmark, Setting } from './benchmark.ts';
import { ommaProgram, oursCommand } from './commands.ts';
import { type Job, titleOf } from './job.ts';
import { type Side, timeRow } from './row.ts';
import { Session, SessionError } from './session.ts';
import type { JobPlan } from './stepBenchmark.ts';

/** Trace, gradient and compile of a job's step, each time in a fresh process. */
export function compileBenchmark(plan: JobPlan): Benchmark {
  const name = `${titleOf({ ...plan, threads: 1, device: 'auto' })}, trace + gradient + compile`;
  return timesBenchmark(name, 3, (setting) => {
    const job: Job = { ...plan, threads: setting.threads, device: setting.device };
    return async () => {
      const session = await Session.start(oursCommand(job));
      try {
        const { prepareMs } = await session.expect('ready');
        if (prepareMs === null) throw new SessionError({ kind: 'failed', text: 'the time was not measured' });
        return prepareMs;
      } finally {
        await session.stop();
      }
    };
  });
}

/** `omma --help`, from the start of the process to its end. */
export const helpBenchmark: Benchmark = timesBenchmark('omma --help', 7, () => async () => {
  const begin = performance.now();
  const child = spawn(process.execPath, [ommaProgram, '--help'], {
    stdio: 'ignore',
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new SessionError({ kind: 'failed', text: `ended with code ${code}` });
  return performance.now() - begin;
});

/** A benchmark of ours alone: every repetition is a round of one step. */
function timesBenchmark(
  name: string,
  repetitions: number,
  prepare: (setting: Setting) => () => Promise<number>,
): Benchmark {
  return {
    name,
    long: false,
    run: async (setting) => {
      setting.progress(name);
      const side = await repeat(setting.quick ? 1 : repetitions, prepare(setting));
      return [timeRow(name, side, { peer: null, side: null })];
    },
  };
}

async function repeat(times: number, measure: () => Promise<number>): Promise<Side> {
  const rounds: number[][] = [];
  try {
    for (let i = 0; i < times; i++) rounds.push([await measure()]);
    return { rounds };
  } catch (error) {
    if (error instanceof SessionError) return { reason: error.reason };
    throw error;
  }
}
