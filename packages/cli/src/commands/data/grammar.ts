/** The grammar of `omma data`: what can be asked of data sets. */

import type { Command } from 'commander';
import { configOptions } from '../../grammar/options.ts';

export function addData(program: Command): void {
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
  data
    .command('index')
    .description(
      'write the index of tar shards (WebDataset), zip archives or LMDB stores, for the data set ImageArchive',
    )
    .argument('<archive...>', "paths or addresses (https://, s3://), also 'train-{000..009}.tar'")
    .requiredOption('--out <file>', 'the index file: data/train.index.json')
    .option('--classes <file>', 'names of the classes, one a line, in the order of their labels')
    .option(
      '--ann-file <file>',
      "names of the pictures and their labels ('a/1.jpg 0' a line, or OpenMMLab's JSON)",
    )
    .option('--prefix <dir>', 'only what lies below this folder of the archives: train')
    .option('--json', 'print the result as JSON')
    .action(async (archives, options) => (await import('./indexArchives.ts')).dataIndex(archives, options));
}
