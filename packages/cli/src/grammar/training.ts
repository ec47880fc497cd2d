/** The grammar of what comes before and during training: train, lr-find, plot, launch. */

import type { Command } from 'commander';
import { collect, positive, wholeNumber } from './arguments.ts';
import { configOptions } from './options.ts';

export function addTraining(program: Command): void {
  addTrain(program);
  addLrFind(program);
  addPlot(program);
}

function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train the model that a config describes')
    .argument('<config>', 'config file (.ts, .js, .json, .yaml or OpenMMLab .py)');
  configOptions(command)
    .option(
      '--resume [checkpoint]',
      'go on from the newest checkpoint in the work directory, or from this one',
    )
    .option('--check', 'try it out: config, data, one step, memory, time; writes nothing')
    .action(async (config, options) => (await import('../commands/train.ts')).train(config, options));
}

function addLrFind(program: Command): void {
  const command = program
    .command('lr-find')
    .description(
      'look for a learning rate: train for a while with one that grows, and see what the loss does',
    )
    .argument('<config>', 'config file (.ts, .js, .json, .yaml or OpenMMLab .py)');
  configOptions(command)
    .option('--start <lr>', 'the first learning rate', positive, 1e-7)
    .option('--end <lr>', 'the last one', positive, 10)
    .option('--steps <n>', 'steps between them', wholeNumber(10), 100)
    .option('--svg <file>', 'write the plot there as well')
    .action(async (config, options) => (await import('../commands/lrFind.ts')).lrFind(config, options));
}

function addPlot(program: Command): void {
  const plot = program.command('plot').description('draw what a config says');
  plot
    .command('schedule')
    .description('draw learning rates, momentum and weight decay over the iterations of a run')
    .argument('<config>', 'config file (.ts, .js, .json, .yaml or OpenMMLab .py)')
    .option('--set <path=value>', 'replace a value of the config (repeat for more)', collect, [])
    .option('--data <dir>', 'folder of the data, in place of the one in the config')
    .option('--epoch-length <n>', 'iterations an epoch; those of the data unless given', wholeNumber(1))
    .option('--svg <file>', 'write the plot there as well')
    .option('--json', 'print the values of every iteration as JSON')
    .action(async (config, options) =>
      (await import('../commands/plotSchedule.ts')).plotSchedule(config, options),
    );
}

export function addLaunch(program: Command): void {
  program
    .command('launch')
    .description('run train or test in several processes, one a device, that work on one model together')
    .argument('<command...>', 'the command and its arguments: train CONFIG')
    .requiredOption('-n, --processes <n>', 'processes on this machine', wholeNumber(1))
    .option('--nodes <n>', 'machines that take part', wholeNumber(1), 1)
    .option('--node-rank <n>', 'which of them this is, from 0', wholeNumber(0), 0)
    .option('--master-addr <host>', 'address of machine 0', '127.0.0.1')
    .option('--master-port <port>', 'port of rank 0; a free one on a single machine', wholeNumber(1))
    .passThroughOptions()
    .action(async (command, options) => (await import('../commands/launch.ts')).launch(command, options));
}
