/** The grammar of `omma data`: what can be asked of data sets. */

import type { Command } from 'commander';

/** `configOptions` adds what every command that reads a config can be told. */
export function addData(program: Command, configOptions: (command: Command) => Command): void {
  const data = program.command('data').description('look data sets over');
  configOptions(
    data
      .command('check')
      .description(
        "find what is wrong with a config's data before training: missing and unreadable files, unknown and empty classes, duplicates; exits with 1 if there is anything",
      )
      .argument('<config>', 'config file'),
  )
    .option('--quick', 'look for the files, do not decode them')
    .option('--all', 'a line for every problem')
    .action(async (config, options) => (await import('./check.ts')).dataCheck(config, options));
}
