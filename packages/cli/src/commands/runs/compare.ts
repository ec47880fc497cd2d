/** `omma runs compare`: metrics of runs side by side, and the config values that differ between them. */

import { compareConfigs, summaryOf } from '@omma/board';
import { chooseRuns, openRuns } from '../../run/openRuns.ts';
import { formatCount } from '../../terminal/format.ts';
import { formatTable } from '../../terminal/table.ts';

export interface CompareOptions {
  readonly dir?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Characters of a config value that are shown. */
const longestValue = 48;

export async function compareRuns(
  names: readonly string[],
  { dir, all, json }: CompareOptions,
): Promise<void> {
  const set = await openRuns(dir, names);
  const runs = chooseRuns(set, names);
  const summaries = runs.map(summaryOf);
  const configs = compareConfigs(runs).filter(({ differs }) => all === true || differs);
  set.close();
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ runs: summaries, config: configs })}\n`);
    return;
  }
  const metrics = [...new Set(summaries.flatMap((run) => Object.keys(run.metrics)))];
  const columns = [{ title: '' }, ...runs.map(({ name }) => ({ title: name }))];
  const metricRows = metrics.map((metric) => [
    metric,
    ...summaries.map(({ metrics: own }) => {
      const found = own[metric];
      if (found === undefined) return '-';
      return `${found.best.toFixed(2)} at ${formatCount(found.bestStep)}, last ${found.last.toFixed(2)}`;
    }),
  ]);
  const configRows = configs.map(({ key, values }) => [
    key,
    ...values.map((value) => shortened(value ?? '-')),
  ]);
  const status = ['status', ...summaries.map((run) => run.status)];
  process.stdout.write(`${formatTable(columns, [status, ...metricRows, ...configRows])}\n`);
  if (configs.length > 0 || runs.length === 1) return;
  const known = runs.some(({ state }) => state.config !== null);
  process.stdout.write(known ? 'the configs are the same\n' : 'none of the logs says what the config was\n');
}

function shortened(value: string): string {
  const letters = [...value];
  return letters.length <= longestValue ? value : `${letters.slice(0, longestValue - 3).join('')}...`;
}
