/** `omma data check`: looks over the data sets of a config, those inside of wrappers too, and says what is wrong with them. */

import { OmmaError } from '@omma/core';
import {
  type Config,
  checkDataset,
  type DataProblem,
  type DatasetReport,
  datasets,
  type ProblemKind,
  problemKinds,
} from '@omma/engine';
import pc from 'picocolors';
import { type ConfigOptions, configFrom } from '../../run/config.ts';
import { type DatasetConfig, innerDatasets } from '../../run/datasets.ts';
import { progressBar } from '../../terminal/byteProgress.ts';
import { formatDuration } from '../../terminal/format.ts';
import { formatTable } from '../../terminal/table.ts';

export interface DataCheckOptions extends ConfigOptions {
  readonly quick?: boolean;
  readonly all?: boolean;
}

interface Checked extends DatasetReport {
  /** Where the config has it: `trainDataloader`. */
  readonly loader: string;
  readonly type: string;
}

/** Problems of one kind that are shown without --all. */
const shown = 5;

export async function dataCheck(file: string, options: DataCheckOptions): Promise<void> {
  const config = await configFrom(file, options);
  const reports: Checked[] = [];
  for (const [loader, dataset] of datasetsOf(config)) {
    reports.push({ loader, type: dataset.type, ...(await check(loader, dataset, options.quick ?? false)) });
  }
  if (reports.length === 0)
    throw new OmmaError(`${file}: the config has no data loader, so there is no data to check`);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ config: file, datasets: reports })}\n`);
  else for (const report of reports) process.stdout.write(`${formatReport(report, options.all ?? false)}\n`);
  if (reports.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
}

/** Every data set once, with the first loader that uses it. */
function datasetsOf({ trainDataloader, valDataloader, testDataloader }: Config): [string, DatasetConfig][] {
  const seen = new Map<string, [string, DatasetConfig]>();
  for (const [name, loader] of Object.entries({ trainDataloader, valDataloader, testDataloader })) {
    for (const dataset of loader === undefined ? [] : innerDatasets(loader.dataset)) {
      const key = JSON.stringify(dataset);
      if (!seen.has(key)) seen.set(key, [name, dataset]);
    }
  }
  return [...seen.values()];
}

async function check(loader: string, config: DatasetConfig, quick: boolean): Promise<DatasetReport> {
  const bar = progressBar(process.stderr, loader, (done, total, seconds) => {
    return `${done} of ${total}  ${formatDuration((seconds / done) * (total - done))} left`;
  });
  try {
    return await checkDataset(datasets.build(config), { quick, onProgress: bar.update });
  } catch (error) {
    // What keeps a data set from being opened at all is a finding too.
    if (!(error instanceof OmmaError)) throw error;
    return {
      samples: 0,
      classes: [],
      problems: [{ kind: 'missing', name: config.type, message: error.message }],
    };
  } finally {
    bar.end();
  }
}

function formatReport({ loader, type, samples, classes, problems }: Checked, all: boolean): string {
  const kinds = new Map<ProblemKind, DataProblem[]>();
  for (const problem of problems) kinds.set(problem.kind, [...(kinds.get(problem.kind) ?? []), problem]);
  const verdict =
    problems.length === 0
      ? pc.green('nothing is wrong')
      : pc.red(`${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  const lines = [`${pc.bold(loader)}  ${type}, ${samples} samples, ${verdict}`];
  if (classes.length > 0) lines.push(indented(classTable(classes, all)));
  for (const [kind, found] of kinds) {
    lines.push(`  ${problemKinds[kind]}: ${found.length}`);
    for (const { name, message } of all ? found : found.slice(0, shown)) {
      // Messages of decoders name the file themselves.
      lines.push(`    ${message.includes(name) ? message : `${name} ${message}`}`);
    }
    if (!all && found.length > shown)
      lines.push(pc.dim(`    and ${found.length - shown} more; --all lists them`));
  }
  return lines.join('\n');
}

/** Classes that are shown without --all: the largest and the smallest tell most. */
const classesShown = 12;

function classTable(classes: DatasetReport['classes'], all: boolean): string {
  const sorted = classes.toSorted((a, b) => b.samples - a.samples);
  const half = classesShown / 2;
  const chosen =
    all || sorted.length <= classesShown ? sorted : [...sorted.slice(0, half), ...sorted.slice(-half)];
  const most = Math.max(1, sorted[0]?.samples ?? 1);
  const rows = chosen.map(({ name, samples }) => [
    name,
    String(samples),
    '█'.repeat(Math.ceil((24 * samples) / most)),
  ]);
  const hidden = sorted.length - chosen.length;
  if (hidden > 0) rows.splice(half, 0, [`(${hidden} classes between)`, '', '']);
  return formatTable([{ title: '' }, { title: '', align: 'right' }, { title: '' }], rows);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
