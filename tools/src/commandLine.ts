/** The command lines of the tools: every one has --help, answers wrong usage with a line and how it is used, and a user's mistake with a line alone. */

import { OmmaError } from '@omma/core';

/** A wrong command line. */
export class UsageError extends Error {}

/**
 * Runs a tool; `main` gets the arguments and gives the exit code. Exit code 2 for wrong usage, whether `main` throws UsageError or `parseArgs` of node:util
 * refuses an option; 1 for an OmmaError. Anything else is a defect and keeps its trace.
 */
export async function runTool(
  name: string,
  usage: string,
  main: (argv: string[]) => Promise<number>,
  argv = process.argv.slice(2),
): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(usage);
    return;
  }
  try {
    process.exitCode = await main(argv);
  } catch (error) {
    if (!(error instanceof Error) || (!isUsage(error) && !(error instanceof OmmaError))) throw error;
    const message = error.message.split('\n')[0];
    process.stderr.write(isUsage(error) ? `${name}: ${message}\n\n${usage}` : `${name}: ${error.message}\n`);
    process.exitCode = isUsage(error) ? 2 : 1;
  }
}

/** The whole number that an option was given. Throws UsageError for anything else, and for one below `least`. */
export function wholeNumber(option: string, text: string, least = 0): number {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= least) return value;
  throw new UsageError(
    `--${option}: expected a whole number of at least ${least} but found ${JSON.stringify(text)}`,
  );
}

function isUsage(error: Error): boolean {
  return error instanceof UsageError || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
}
