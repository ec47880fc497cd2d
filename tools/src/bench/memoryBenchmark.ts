/** Peak resident memory of a fresh process that does a few steps of a job. */

import { type Benchmark, enter, leave } from './benchmark.ts';
import { oursCommand } from './commands.ts';
import { type Job, titleOf } from './job.ts';
import type { Reason, Row } from './row.ts';
import { type Command, Session, SessionError } from './session.ts';
import { ratioOf } from './statistics.ts';
import type { JobPlan } from './stepBenchmark.ts';

/** After the warm-up: allocators have settled by then. */
const steps = 2;

export function memoryBenchmark(plan: JobPlan): Benchmark {
  const name = `${titleOf({ ...plan, threads: 1, device: 'auto' })}, peak memory`;
  return {
    name,
    long: false,
    run: async (setting) => {
      const job: Job = { ...plan, threads: setting.threads, device: setting.device };
      setting.progress(name);
      const ours = await peakOf(oursCommand(job));
      const rows: Row[] = [];
      for (const { plain } of setting.torch) {
        setting.progress(`${name}: ${plain.label}`);
        const them = await peakOf(plain.command(job));
        rows.push({
          name,
          ours_ms: null,
          peer: plain.label,
          peer_ms: null,
          ratio: ratioOf(ours.mib, them.mib),
          ours_mib: ours.mib,
          peer_mib: them.mib,
          ...(ours.reason === undefined ? {} : { ours_reason: ours.reason }),
          ...(them.reason === undefined ? {} : { peer_reason: them.reason }),
        });
      }
      return rows;
    },
  };
}

interface Peak {
  readonly mib: number | null;
  readonly reason?: Reason;
}

async function peakOf(command: Command | Reason): Promise<Peak> {
  const entrant = await enter(command);
  const { contestant } = entrant;
  if (!(contestant instanceof Session)) return { mib: null, reason: contestant };
  try {
    await contestant.go(steps);
    return { mib: await contestant.memory() };
  } catch (error) {
    if (error instanceof SessionError) return { mib: null, reason: error.reason };
    throw error;
  } finally {
    await leave(entrant);
  }
}
