/** The grammar of `omma checkpoint`: what can be done to files of weights. */

import { type Command, Option } from 'commander';

export function addCheckpoint(program: Command): void {
  const checkpoint = program
    .command('checkpoint')
    .description(
      'look into, convert, compare and publish checkpoints, safetensors files and PyTorch .pth files',
    );
  addInspect(checkpoint);
  addConvert(checkpoint);
  addDiff(checkpoint);
  addPublish(checkpoint);
}

function addInspect(checkpoint: Command): void {
  checkpoint
    .command('inspect')
    .description(
      'what a file holds: tensors, statistics, values that are not finite, what the run says of itself',
    )
    .argument('<file>', 'checkpoint, safetensors or PyTorch file: a path, https:// or s3://')
    .option('--all', 'a line for every tensor, those of the optimiser too')
    .option('--no-numbers', 'leave the numbers unread: names, shapes and dtypes only')
    .option('--json', 'print JSON')
    .action(async (file, options) => (await import('./inspect.ts')).inspect(file, options));
}

function addConvert(checkpoint: Command): void {
  weightOptions(
    checkpoint
      .command('convert')
      .description('write the weights of a file as .safetensors, .pth or .pt')
      .argument('<input>', 'checkpoint, safetensors or PyTorch file: a path, https:// or s3://')
      .argument('<output>', 'the file to write; its extension says the format'),
  )
    .option('--strip-prefix <prefix>', 'keep the tensors that begin so, without the prefix: backbone.')
    .option(
      '--rewrite <pattern=>text>',
      "replace what a regular expression finds in a name (repeat for more): '^fc\\.=>head.fc.'",
      (value: string, previous: readonly string[]) => [...previous, value],
      [],
    )
    .action(async (input, output, options) => (await import('./convert.ts')).convert(input, output, options));
}

function addDiff(checkpoint: Command): void {
  checkpoint
    .command('diff')
    .description('compare the weights of two files: names, shapes, numbers; exits with 1 where they differ')
    .argument('<first>', 'checkpoint, safetensors or PyTorch file: a path, https:// or s3://')
    .argument('<second>', 'the file to compare it with')
    .addOption(emaOption())
    .addOption(rawOption())
    .option('--all', 'a line for every tensor that differs')
    .option('--json', 'print JSON')
    .action(async (first, second, options) => (await import('./diff.ts')).diff(first, second, options));
}

function addPublish(checkpoint: Command): void {
  weightOptions(
    checkpoint
      .command('publish')
      .description(
        'write the weights without the state of the run, named NAME-12345678 by the SHA-256 of the file',
      )
      .argument('<input>', 'checkpoint, safetensors or PyTorch file: a path, https:// or s3://')
      .argument('[output]', 'name and format: NAME.safetensors or NAME.pth; beside the input unless given'),
  ).action(async (input, output, options) => (await import('./convert.ts')).publish(input, output, options));
}

function weightOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--dtype <name>', 'of the floats').choices(['float64', 'float32', 'float16', 'bfloat16']),
    )
    .addOption(emaOption())
    .addOption(rawOption())
    .option('--json', 'print JSON');
}

const emaOption = () =>
  new Option('--ema', 'the averaged weights, or nothing where there are none').conflicts('raw');

const rawOption = () =>
  new Option('--raw', 'the weights as the optimiser left them, also where there are averages');
