/** The grammar of what is done with trained models: test, eval, predict, export. */

import { type Command, Option } from 'commander';
import { collect, extents, wholeNumber, wholeNumbers } from './arguments.ts';
import { ampOption, configOptions, deviceOption } from './options.ts';

export function addEvaluation(program: Command): void {
  addTest(program);
  addEval(program);
}

function addTest(program: Command): void {
  const command = program
    .command('test')
    .description('evaluate a checkpoint on the validation data of a config')
    .argument('<config>', 'config file (.ts, .js, .json, .yaml or OpenMMLab .py)')
    .argument(
      '<checkpoint>',
      'checkpoint (.safetensors) or PyTorch weights (.pth), at a path, https:// or s3://; or offline model (.om)',
    );
  configOptions(command)
    .option('--val', 'on the validation data, where the config has test data too')
    .option('--tta', 'by test-time augmentation, as `ttaModel` of the config says')
    .option('--dump <file>', 'write the predictions there (.safetensors), for `omma eval`')
    .option('--show-dir <dir>', 'write pictures with their predictions there')
    .action(async (config, checkpoint, options) =>
      (await import('../commands/test.ts')).test(config, checkpoint, options),
    );
}

function addEval(program: Command): void {
  program
    .command('eval')
    .description('compute the metrics of a config from predictions that `omma test --dump` wrote')
    .argument('<config>', 'config file')
    .argument('<results>', 'file of predictions (.safetensors)')
    .option('--set <path=value>', 'replace a value of the config (repeat for more)', collect, [])
    .option('--json', 'print the result as JSON')
    .action(async (config, results, options) =>
      (await import('../commands/eval.ts')).evaluate(config, results, options),
    );
}

export function addPredict(program: Command): void {
  program
    .command('predict')
    .description('classify pictures with a checkpoint, or with an offline model on an Ascend chip')
    .argument(
      '<model>',
      'checkpoint (.safetensors) at a path, https:// or s3://, or offline model (.om) that `omma export` wrote',
    )
    .argument('<image...>', 'picture files, or folders of them')
    .option('--top <n>', 'classes shown a picture', wholeNumber(1), 5)
    .option('--out <dir>', 'write every picture there with its label drawn on it')
    .addOption(deviceOption())
    .addOption(ampOption())
    .option('--json', 'print JSON')
    .action(async (checkpoint, images, options) =>
      (await import('../commands/predict.ts')).predict(checkpoint, images, options),
    );
}

export function addExport(program: Command): void {
  program
    .command('export')
    .description(
      'write a checkpoint as an ONNX model checked with ONNX Runtime, or as an offline model for an Ascend chip',
    )
    .argument('<checkpoint>', 'checkpoint file (.safetensors): a path, https:// or s3://')
    .option('--out <file>', 'the model file; beside the checkpoint unless given')
    .addOption(new Option('--format <name>', 'what to write').choices(['onnx', 'om']).default('onnx'))
    .addOption(new Option('--opset <n>', 'operator set').choices(['13', '17']).default('17'))
    .option('--batch-size <n>', 'fixed batch size; any size unless given', wholeNumber(1))
    .option('--soc-version <name>', 'om: the chip; that of this machine unless given')
    .option('--dynamic-batch <sizes>', 'om: batch sizes to compile for, such as 1,4,8', wholeNumbers)
    .option(
      '--dynamic-image-size <sizes>',
      'om: heights and widths to compile for, such as 112x112,128x160',
      extents(2),
    )
    .option(
      '--dynamic-dims <shapes>',
      'om: batch sizes, heights and widths, such as 1x112x112,8x224x224',
      extents(3),
    )
    .option('--aipp', "om: the chip's AIPP unit normalises pictures, as the config says")
    .option('--no-check', 'do not run the model in ONNX Runtime')
    .addOption(deviceOption())
    .option('--json', 'print JSON')
    .action(async (checkpoint, options) =>
      (await import('../commands/export.ts')).exportModel(checkpoint, options),
    );
}
