/** `omma config params`: what the parameter-wise rules of a config come to, a line a group or a line a parameter. */

import { type ParameterGroupEntry, parameterGroups } from '@omma/engine';
import { configFrom } from '../../run/config.ts';
import { formatCount, formatNumber } from '../../terminal/format.ts';
import { formatTable } from '../../terminal/table.ts';

export interface ParamsOptions {
  readonly set: readonly string[];
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Names shown a group. */
const mostNames = 3;

export async function configParams(file: string, options: ParamsOptions): Promise<void> {
  const entries = parameterGroups(await configFrom(file, options));
  const text =
    options.json === true
      ? JSON.stringify(entries, null, 2)
      : options.all === true
        ? everyParameter(entries)
        : everyGroup(entries);
  process.stdout.write(`${text}\n`);
}

const rates = [
  { title: 'lr', align: 'right' },
  { title: 'weight decay', align: 'right' },
] as const;

function everyParameter(entries: readonly ParameterGroupEntry[]): string {
  return formatTable(
    [{ title: 'parameter' }, { title: 'shape' }, ...rates],
    entries.map((entry) => [entry.name, entry.shape.join('x'), ...ratesOf(entry)]),
  );
}

function everyGroup(entries: readonly ParameterGroupEntry[]): string {
  const groups = new Map<string, ParameterGroupEntry[]>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.lr, entry.weightDecay, entry.larsExclude]);
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return formatTable(
    [
      ...rates,
      { title: 'tensors', align: 'right' },
      { title: 'numbers', align: 'right' },
      { title: 'parameters' },
    ],
    [...groups.values()].map((group) => {
      const numbers = group.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
      const names = group.slice(0, mostNames).map(({ name }) => name);
      const more = group.length > mostNames ? `, and ${group.length - mostNames} more` : '';
      const [first] = group;
      return [
        ...(first === undefined ? [] : ratesOf(first)),
        String(group.length),
        formatCount(numbers),
        `${names.join(', ')}${more}`,
      ];
    }),
  );
}

function ratesOf({ lr, weightDecay, larsExclude }: ParameterGroupEntry): string[] {
  const short = (value: number) => (value === 0 ? '0' : formatNumber(value));
  return [short(lr), `${short(weightDecay)}${larsExclude ? ' (no LARS)' : ''}`];
}
