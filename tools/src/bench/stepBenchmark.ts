/** Time of one step of a job, against each peer in turn. */

import { type Benchmark, enter, leave, type Setting } from './benchmark.ts';
import { oursCommand } from './commands.ts';
import { contest } from './contest.ts';
import { type Job, titleOf } from './job.ts';
import type { Peer } from './peers.ts';
import { type Row, timeRow } from './row.ts';

/** What a job leaves open: the setting fills it in. `device` is there when the row is about that device, whatever the setting. */
export type JobPlan = Omit<Job, 'threads' | 'device'> & { readonly device?: string };

export function stepBenchmark(plan: JobPlan, peersOf: (setting: Setting) => readonly Peer[]): Benchmark {
  const title = titleOf({ ...plan, threads: 1, device: 'auto' });
  const name = plan.device === undefined ? title : `${title}, on ${plan.device}`;
  return {
    name,
    long: false,
    run: async (setting) => {
      const job: Job = { ...plan, threads: setting.threads, device: plan.device ?? setting.device };
      const rows: Row[] = [];
      setting.progress(`${name}: setting up`);
      const ours = await enter(oursCommand(job));
      try {
        for (const peer of peersOf(setting)) {
          // What this processor does not offer, a peer could only emulate: no number is worth having.
          const skip =
            'kind' in ours.contestant && ours.contestant.kind === 'unsupported' ? ours.contestant : null;
          setting.progress(`${name}: ${peer.label}`);
          const them = await enter(skip ?? peer.command(job));
          const result = await contest(ours.contestant, them.contestant, setting.pace).finally(() =>
            leave(them),
          );
          rows.push(
            timeRow(name, result.ours, {
              peer: them.label ?? peer.label,
              side: result.peer,
              detail: them.detail,
            }),
          );
        }
      } finally {
        await leave(ours);
      }
      return rows;
    },
  };
}
