/** Options that several commands have. */

import { type Command, Option } from 'commander';
import { collect, wholeNumber } from './arguments.ts';

/** What a command that reads a config can be told beside it. */
export function configOptions(command: Command): Command {
  return command
    .option('--set <path=value>', 'replace a value of the config (repeat for more)', collect, [])
    .option('--data <dir>', 'folder of the data, in place of the one in the config')
    .addOption(deviceOption())
    .addOption(ampOption())
    .option('--work-dir <dir>', 'folder for logs and checkpoints')
    .option('--seed <n>', 'seed of all random numbers', wholeNumber(0))
    .option('--json', 'print the result as JSON');
}

export const deviceOption = () => new Option('--device <name>', 'auto, or a name that `omma devices` prints');

export const ampOption = () =>
  new Option('--amp [type]', 'mixed precision: auto (also without a value), bfloat16, float16 or off')
    .choices(['auto', 'bfloat16', 'float16', 'off'])
    .preset('auto');
