/** The command line of `npm run bench`. */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError, wholeNumber } from '../commandLine.ts';

export interface Arguments {
  readonly pythons: readonly string[];
  readonly json: boolean;
  readonly only: RegExp | null;
  readonly quick: boolean;
  readonly long: boolean;
  readonly threads: number;
  readonly device: string;
  readonly data: string;
}

export const usage = `usage: npm run bench -- [options]

  --python PATH    a Python with PyTorch to compare with; may be given several times
  --only PATTERN   benchmarks whose name matches (a regular expression, any case)
  --quick          fewer rounds
  --long           whole training runs too: flowers and MNIST
  --threads N      threads of each side; all cores unless given
  --device NAME    Omma's device; cpu unless given
  --data DIR       folder with tf-flowers-128 and mnist, for --long; shared/data unless given
  --json           one JSON array of rows in place of the table
`;

/** Reads the arguments; `repository` is where the default data folder lies. */
export function parseArguments(args: readonly string[], repository: string): Arguments {
  const { values } = read(args);
  return {
    pythons: values.python ?? [],
    json: values.json ?? false,
    only: values.only === undefined ? null : pattern(values.only),
    quick: values.quick ?? false,
    long: values.long ?? false,
    threads:
      values.threads === undefined ? availableParallelism() : wholeNumber('threads', values.threads, 1),
    device: values.device ?? 'cpu',
    data: values.data ?? join(repository, 'shared/data'),
  };
}

function read(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      python: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      only: { type: 'string' },
      quick: { type: 'boolean' },
      long: { type: 'boolean' },
      threads: { type: 'string' },
      device: { type: 'string' },
      data: { type: 'string' },
    },
  });
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    throw new UsageError(`--only: ${text} is no regular expression`);
  }
}
