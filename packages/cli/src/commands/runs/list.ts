/** `omma runs`: what was trained, how far it got, and how good it is. */

import { type RunSummary, summaryOf } from '@omma/board';
import { OmmaError } from '@omma/core';
import { nearest } from '@omma/engine';
import pc from 'picocolors';
import { openRuns } from '../../run/openRuns.ts';
import { formatDuration } from '../../terminal/format.ts';
import { formatTable } from '../../terminal/table.ts';

export interface ListOptions {
  readonly json?: boolean;
  /** A metric: the best first. */
  readonly sort?: string;
}

export async function listRuns(dir: string | undefined, { json, sort }: ListOptions): Promise<void> {
  const set = await openRuns(dir);
  const all = set.runs.map(summaryOf);
  set.close();
  const summaries = sorted(all, sort === undefined ? undefined : knownMetric(all, sort));
  if (json === true) {
    process.stdout.write(`${JSON.stringify(summaries)}\n`);
    return;
  }
  const metrics = [...new Set(summaries.flatMap((run) => Object.keys(run.metrics)))].slice(0, 3);
  const columns = [
    { title: 'run' },
    { title: 'status' },
    { title: 'started' },
    { title: 'took', align: 'right' as const },
    { title: 'iterations', align: 'right' as const },
    ...metrics.map((metric) => ({ title: `best ${metric}`, align: 'right' as const })),
  ];
  const rows = summaries.map((run) => [
    run.name,
    run.status,
    run.started === null ? '-' : new Date(run.started).toISOString().slice(0, 16).replace('T', ' '),
    run.started === null || run.lastTime === null ? '-' : formatDuration((run.lastTime - run.started) / 1000),
    run.maxIterations === null ? String(run.iteration) : `${run.iteration}/${run.maxIterations}`,
    ...metrics.map((metric) => run.metrics[metric]?.best.toFixed(2) ?? '-'),
  ]);
  process.stdout.write(`${formatTable(columns, rows)}\n`);
  for (const { name, failure } of summaries)
    if (failure !== null) process.stdout.write(`${pc.red(`${name} failed:`)} ${failure}\n`);
  for (const { name, damagedLines } of summaries)
    if (damagedLines > 0)
      process.stderr.write(
        `${pc.yellow(`warning: ${name}: ${damagedLines} ${damagedLines === 1 ? 'line' : 'lines'} of log.jsonl cannot be read as events`)}\n`,
      );
}

/** Throws OmmaError when no run has a metric of this name. */
function knownMetric(summaries: readonly RunSummary[], metric: string): string {
  const known = [...new Set(summaries.flatMap((run) => Object.keys(run.metrics)))];
  if (known.includes(metric)) return metric;
  const close = nearest(metric, known);
  throw new OmmaError(
    `no run has a metric ${metric}${close === null ? '' : `; did you mean ${close}?`}; there are: ${known.join(', ') || 'none'}`,
  );
}

/** The newest first, or the best by a metric. */
function sorted(summaries: readonly RunSummary[], metric: string | undefined): RunSummary[] {
  if (metric === undefined) return [...summaries].sort((a, b) => (b.started ?? 0) - (a.started ?? 0));
  const direction = /loss|error/i.test(metric) ? 1 : -1;
  const worst = direction * Number.POSITIVE_INFINITY;
  const scoreOf = ({ metrics }: RunSummary) => metrics[metric]?.best ?? worst;
  return [...summaries].sort((a, b) =>
    scoreOf(a) === scoreOf(b) ? 0 : direction * (scoreOf(a) - scoreOf(b)),
  );
}
