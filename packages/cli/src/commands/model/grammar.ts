/** The grammar of `omma model`. */

import { type Command, InvalidArgumentError } from 'commander';
import { collect, wholeNumber } from '../../grammar/arguments.ts';

export function addModel(program: Command): void {
  program
    .command('model')
    .description('look at the model of a config or a checkpoint')
    .command('summary')
    .description('parameters, FLOPs (multiply-adds) and activations of one picture, module by module')
    .argument('<model>', 'config file, or checkpoint (.safetensors)')
    .option('--input <HxW>', 'size of the picture; that of the evaluation unless given', size)
    .option('--depth <n>', 'levels of modules shown below the model', wholeNumber(0), 3)
    .option('--set <path=value>', 'replace a value of the config (repeat for more)', collect, [])
    .option('--json', 'print every module as JSON')
    .action(async (model, options) => (await import('./summary.ts')).modelSummary(model, options));
}

/** `224x224`, or `224` for a square. */
function size(text: string): [number, number] {
  const numbers = text.split('x').map(wholeNumber(1));
  const [height, width = height] = numbers;
  if (height !== undefined && width !== undefined && numbers.length <= 2) return [height, width];
  throw new InvalidArgumentError('It must be height and width with x between them, such as 224x224.');
}
