/** `omma config diff`: what two configs have not in common. Exit codes as diff's: 0 equal, 1 different. */

import { type ConfigDict, formatPath, formatValue, isOpenMMLab, toPlain } from '@omma/engine';
import pc from 'picocolors';
import { inOmmaTerms, type ReadingOptions, readConfig } from '../../run/configFile.ts';
import { formatTable } from '../../terminal/table.ts';
import { leavesOf } from './leaves.ts';

export interface DiffOptions extends ReadingOptions {
  readonly json?: boolean;
}

export async function diffConfigs(a: string, b: string, options: DiffOptions): Promise<void> {
  const [left, right] = [await readConfig(a, options), await readConfig(b, options)];
  // An OpenMMLab config beside one of Omma's is compared in Omma's terms.
  const mixed = isOpenMMLab(left) !== isOpenMMLab(right);
  const rows = differences(
    ...(mixed ? ([inOmmaTerms(left), inOmmaTerms(right)] as const) : ([left, right] as const)),
  );
  if (options.json === true) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else if (rows.length > 0) process.stdout.write(`${table(rows, a, b)}\n`);
  process.exitCode = rows.length === 0 ? 0 : 1;
}

interface Difference {
  readonly path: string;
  /** Absent where the config has no such value. */
  readonly a?: unknown;
  readonly b?: unknown;
}

function differences(a: ConfigDict, b: ConfigDict): Difference[] {
  const left = valuesByPath(a);
  const right = valuesByPath(b);
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((path) => {
    const row = {
      path,
      ...(left.has(path) ? { a: left.get(path) } : {}),
      ...(right.has(path) ? { b: right.get(path) } : {}),
    };
    return JSON.stringify(row.a) === JSON.stringify(row.b) && left.has(path) === right.has(path) ? [] : [row];
  });
}

function valuesByPath(config: ConfigDict): Map<string, unknown> {
  return new Map(leavesOf(toPlain(config)).map(({ path, value }) => [formatPath(path), value]));
}

function table(rows: readonly Difference[], a: string, b: string): string {
  const shown = (row: Difference, side: 'a' | 'b') => (side in row ? formatValue(row[side]) : '-');
  const cells = rows.map((row) => [row.path, shown(row, 'a'), shown(row, 'b')]);
  const text = formatTable([{ title: 'value' }, { title: a }, { title: b }], cells);
  const [head = '', ...lines] = text.split('\n');
  return [pc.bold(head), ...lines].join('\n');
}
