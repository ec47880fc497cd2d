/**
 * The command line's grammar: commands, arguments, options. Each command's code is imported when it runs, so that `omma --help` needs
 * nothing but the files that describe the commands.
 */

import { Command } from 'commander';
import { addAscend } from './commands/ascend/grammar.ts';
import { addCheckpoint } from './commands/checkpoint/grammar.ts';
import { addConfig } from './commands/config/grammar.ts';
import { addData } from './commands/data/grammar.ts';
import { addModel } from './commands/model/grammar.ts';
import { addBoard, addRuns } from './commands/runs/grammar.ts';
import { addDevices, addEnv } from './grammar/machine.ts';
import { addLaunch, addTraining } from './grammar/training.ts';
import { addEvaluation, addExport, addPredict } from './grammar/using.ts';

export function buildProgram(): Command {
  const program = new Command('omma')
    .description('Train, evaluate and deploy computer-vision models in TypeScript.')
    .version('0.1.0')
    .configureOutput({ outputError: (text, write) => write(`${usageError(text)}\n`) })
    .enablePositionalOptions()
    .exitOverride();
  addTraining(program);
  addEvaluation(program);
  addLaunch(program);
  addPredict(program);
  addExport(program);
  addCheckpoint(program);
  addConfig(program);
  addModel(program);
  addData(program);
  addRuns(program);
  addBoard(program);
  addDevices(program);
  addEnv(program);
  addAscend(program);
  return program;
}

/** What commander says of wrong usage, its guess on a line of its own, as one line that says where to look. */
function usageError(text: string): string {
  const [mistake = '', ...guess] = text.trim().split('\n');
  const meant = guess.map((line) => line.replace(/^\(Did(.*)\)$/, '; did$1')).join('');
  const told = `${mistake.replace(/\.$/, '')}${meant}`;
  return `${told}${told.endsWith('?') ? ' ' : '; '}--help shows the usage`;
}
