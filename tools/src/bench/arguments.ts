/** The command line of `npm run bench`. */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export interface Arguments {
  readonly pythons: readonly string[];
  readonly json: boolean;
  readonly only: RegExp | null;
  readonly quick: boolean;
  readonly long: boolean;
  readonly threads: number;
  readonly device: string;
  readonly data: string;
  readonly help: boolean;
}

/** A wrong command line; the program ends with code 2. */
export class UsageError extends Error {}

export const usage = `npm run bench -- [options]

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
    threads: values.threads === undefined ? availableParallelism() : threads(values.threads),
    device: values.device ?? 'cpu',
    data: values.data ?? join(repository, 'shared/data'),
    help: values.help ?? false,
  };
}

function read(args: readonly string[]) {
  try {
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
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    throw new UsageError(`--only: ${text} is no regular expression`);
  }
}

function threads(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UsageError(`--threads: expected a positive whole number but found ${text}`);
}
