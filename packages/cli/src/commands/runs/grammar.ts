/** The grammar of `omma runs` and `omma board`: training runs read back. */

import { type Command, Option } from 'commander';
import { share, wholeNumber } from '../../grammar/arguments.ts';

export function addRuns(program: Command): void {
  const runs = program.command('runs').description('list, compare and plot training runs');
  runs
    .command('list', { isDefault: true })
    .description('list the runs in a folder of work directories')
    .argument('[dir]', 'the folder; work_dirs unless given')
    .option('--sort <metric>', 'the best by a metric first: accuracy/top1')
    .option('--json', 'print JSON')
    .action(async (dir, options) => (await import('./list.ts')).listRuns(dir, options));
  runs
    .command('compare')
    .description('show the metrics of runs side by side, and what differs in their configs')
    .argument('[run...]', 'names as `omma runs` lists them, or paths; all unless given')
    .option('--dir <dir>', 'folder of the work directories; work_dirs unless given')
    .option('--all', 'config values that are the same too')
    .option('--json', 'print JSON')
    .action(async (names, options) => (await import('./compare.ts')).compareRuns(names, options));
  runs
    .command('plot')
    .description('draw a curve of runs on the terminal, and as SVG')
    .argument('[run...]', 'names as `omma runs` lists them, or paths; all unless given')
    .option('--dir <dir>', 'folder of the work directories; work_dirs unless given')
    .option('--curve <name>', 'what to draw: val/accuracy/top1, train/lr, ...', 'train/loss')
    .addOption(new Option('--x <axis>', 'over what').choices(['step', 'time']).default('step'))
    .option('--smooth <weight>', 'of the moving average, from 0 (none) to below 1', share, 0)
    .option('--svg <file>', 'write the chart there too')
    .option('--json', 'print the points as JSON')
    .action(async (names, options) => (await import('./plot.ts')).plotRuns(names, options));
}

export function addBoard(program: Command): void {
  program
    .command('board')
    .description('serve a dashboard of the runs in a folder of work directories')
    .argument('[dir]', 'the folder; work_dirs unless given')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port; 0 takes a free one', wholeNumber(0), 6007)
    .action(async (dir, options) => (await import('../board.ts')).board(dir, options));
}
