/** `omma checkpoint diff`: how the weights of two files differ. */

import { type TensorDifference, type WeightDifference, weightDifference } from '@omma/engine';
import pc from 'picocolors';
import { withWeightProgress } from '../../terminal/byteProgress.ts';
import { formatNumber } from '../../terminal/format.ts';
import { formatTable } from '../../terminal/table.ts';
import { type ChoiceOptions, choiceOf, toJson } from './choice.ts';

export interface DiffOptions extends ChoiceOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

/** As with the program diff. */
const differCode = 1;
const shownUnlessAll = 20;

export async function diff(first: string, second: string, options: DiffOptions): Promise<void> {
  const choice = choiceOf(options);
  const difference = await withWeightProgress('comparing', (listeners) =>
    weightDifference(first, second, { choice, ...listeners }),
  );
  const { onlyInFirst, onlyInSecond, misshaped, different, retyped } = difference;
  const lists = [onlyInFirst, onlyInSecond, misshaped, different, retyped];
  const same = lists.every(({ length }) => length === 0);
  if (!same) process.exitCode = differCode;
  if (options.json === true) process.stdout.write(`${toJson({ same, ...difference })}\n`);
  else process.stdout.write(`${lines(first, second, difference, options.all === true).join('\n')}\n`);
}

function lines(first: string, second: string, difference: WeightDifference, all: boolean): string[] {
  const { onlyInFirst, onlyInSecond, misshaped, different, retyped, equal } = difference;
  const shapes = misshaped.map(
    ({ name, shapes: [a = [], b = []] }) => `  ${name}: [${a.join(', ')}] and [${b.join(', ')}]`,
  );
  const shown = all ? different : different.slice(0, shownUnlessAll);
  const hidden = different.length - shown.length;
  return [
    ...listed(
      `only in ${first}`,
      onlyInFirst.map((name) => `  ${name}`),
      all,
    ),
    ...listed(
      `only in ${second}`,
      onlyInSecond.map((name) => `  ${name}`),
      all,
    ),
    ...listed('shapes differ', shapes, all),
    ...listed(
      'the same numbers in two dtypes',
      retyped.map(({ name, dtypes: [a, b] }) => `  ${name}: ${a} and ${b}`),
      all,
    ),
    ...(shown.length > 0 ? [pc.bold(`numbers differ (${different.length})`), table(shown)] : []),
    ...(hidden > 0 ? [pc.dim(`and ${hidden} more; --all lists them`)] : []),
    `${equal} tensors are the same`,
  ];
}

function listed(title: string, items: readonly string[], all: boolean): string[] {
  if (items.length === 0) return [];
  const shown = all ? items : items.slice(0, shownUnlessAll);
  const hidden = items.length - shown.length;
  return [
    pc.bold(`${title} (${items.length})`),
    ...shown,
    ...(hidden > 0 ? [pc.dim(`  and ${hidden} more; --all lists them`)] : []),
  ];
}

function table(different: readonly TensorDifference[]): string {
  const right = (title: string) => ({ title, align: 'right' }) as const;
  return formatTable(
    [{ title: 'name' }, { title: 'dtype' }, right('max abs'), right('max rel'), right('mean abs')],
    different.map(({ name, dtypes: [a, b], maxAbs, maxRelative, meanAbs }) => [
      name,
      a === b ? a : `${a}, ${b}`,
      formatNumber(maxAbs),
      formatNumber(maxRelative),
      formatNumber(meanAbs),
    ]),
  );
}
