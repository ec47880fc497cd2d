/**
 * The command line's grammar: commands, arguments, options. Each command's code is imported when it runs, so that `omma --help` needs
 * nothing but this file.
 */

import { Command, Option } from 'commander';
import { addCheckpoint } from './commands/checkpoint/grammar.ts';
import { addConfig } from './commands/config/grammar.ts';
import { addData } from './commands/data/grammar.ts';
import { addModel } from './commands/model/grammar.ts';
import { collect, extents, positive, share, wholeNumber, wholeNumbers } from './grammar/arguments.ts';

export function buildProgram(): Command {
  const program = new Command('omma')
    .description('Train, evaluate and deploy computer-vision models in TypeScript.')
    .version('0.1.0')
    .showHelpAfterError('(add --help for usage)')
    .enablePositionalOptions()
    .exitOverride();
  addTrain(program);
  addLrFind(program);
  addPlot(program);
  addTest(program);
  addEval(program);
  addLaunch(program);
  addPredict(program);
  addExport(program);
  addCheckpoint(program);
  addConfig(program);
  addModel(program);
  addData(program, configOptions);
  addRuns(program);
  addBoard(program);
  addDevices(program);
  addEnv(program);
  addAscend(program);
  return program;
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
    .action(async (config, options) => (await import('./commands/train.ts')).train(config, options));
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
    .action(async (config, options) => (await import('./commands/lrFind.ts')).lrFind(config, options));
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
      (await import('./commands/plotSchedule.ts')).plotSchedule(config, options),
    );
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
      (await import('./commands/test.ts')).test(config, checkpoint, options),
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
      (await import('./commands/eval.ts')).evaluate(config, results, options),
    );
}

function addLaunch(program: Command): void {
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
    .action(async (command, options) => (await import('./commands/launch.ts')).launch(command, options));
}

function addPredict(program: Command): void {
  program
    .command('predict')
    .description('classify pictures with a checkpoint, or with an offline model on an Ascend chip')
    .argument(
      '<model>',
      'checkpoint (.safetensors) at a path, https:// or s3://, or offline model (.om) that `omma export` wrote',
    )
    .argument('<image...>', 'picture files')
    .option('--top <n>', 'classes shown a picture', wholeNumber(1), 5)
    .option('--out <dir>', 'write every picture there with its label drawn on it')
    .addOption(deviceOption())
    .addOption(ampOption())
    .option('--json', 'print JSON')
    .action(async (checkpoint, images, options) =>
      (await import('./commands/predict.ts')).predict(checkpoint, images, options),
    );
}

function addExport(program: Command): void {
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
      (await import('./commands/export.ts')).exportModel(checkpoint, options),
    );
}

function addRuns(program: Command): void {
  const runs = program.command('runs').description('list, compare and plot training runs');
  runs
    .command('list', { isDefault: true })
    .description('list the runs in a folder of work directories')
    .argument('[dir]', 'the folder; work_dirs unless given')
    .option('--sort <metric>', 'the best by a metric first: accuracy/top1')
    .option('--json', 'print JSON')
    .action(async (dir, options) => (await import('./commands/runs/list.ts')).listRuns(dir, options));
  runs
    .command('compare')
    .description('show the metrics of runs side by side, and what differs in their configs')
    .argument('[run...]', 'names as `omma runs` lists them, or paths; all unless given')
    .option('--dir <dir>', 'folder of the work directories; work_dirs unless given')
    .option('--all', 'config values that are the same too')
    .option('--json', 'print JSON')
    .action(async (names, options) =>
      (await import('./commands/runs/compare.ts')).compareRuns(names, options),
    );
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
    .action(async (names, options) => (await import('./commands/runs/plot.ts')).plotRuns(names, options));
}

function addBoard(program: Command): void {
  program
    .command('board')
    .description('serve a dashboard of the runs in a folder of work directories')
    .argument('[dir]', 'the folder; work_dirs unless given')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port; 0 takes a free one', wholeNumber(0), 6007)
    .action(async (dir, options) => (await import('./commands/board.ts')).board(dir, options));
}

function addDevices(program: Command): void {
  program
    .command('devices')
    .description('list the devices and what they can do')
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./commands/devices.ts')).devices(options));
}

function addEnv(program: Command): void {
  program
    .command('env')
    .description(
      'print what a report of a problem needs to know: system, processor, versions, tools, devices',
    )
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./commands/env.ts')).env(options));
}

function addAscend(program: Command): void {
  const ascend = program.command('ascend').description('Ascend NPUs: what they run');
  ascend
    .command('check')
    .description(
      'tell, without any toolkit, what of a model runs on AI Core, what falls to AI CPU, what fails, and why',
    )
    .argument('<model>', 'ONNX file, checkpoint (.safetensors), or config (its training step)')
    .option('--soc <name>', 'chip, as npu-smi or aclrtGetSocName names it', 'Ascend910B3')
    .option('--cann <version>', 'release of the toolkit', '8.1.RC1')
    .addOption(
      new Option('--precision <mode>', 'what the compiler does with float32')
        .choices(['origin', 'fp16', 'mixed_float16', 'mixed_bfloat16', 'cube_fp16in_fp32out'])
        .default('origin'),
    )
    .option('--all', 'a line for every node')
    .option('--json', 'print JSON')
    .action(async (model, options) =>
      (await import('./commands/ascend/check.ts')).ascendCheck(model, options),
    );
  addDoctor(ascend);
}

function addDoctor(ascend: Command): void {
  ascend
    .command('doctor')
    .description('try everything that Omma needs of CANN and the chips of this machine, and write a report')
    .option('--out <file>', 'the report', 'omma-ascend-report.txt')
    .action(async (options) => (await import('./commands/ascend/doctor.ts')).doctor(options));
}

/** What a command that reads a config can be told beside it. */
function configOptions(command: Command): Command {
  return command
    .option('--set <path=value>', 'replace a value of the config (repeat for more)', collect, [])
    .option('--data <dir>', 'folder of the data, in place of the one in the config')
    .addOption(deviceOption())
    .addOption(ampOption())
    .option('--work-dir <dir>', 'folder for logs and checkpoints')
    .option('--seed <n>', 'seed of all random numbers', wholeNumber(0))
    .option('--json', 'print the result as JSON');
}

const deviceOption = () => new Option('--device <name>', 'auto, or a name that `omma devices` prints');

const ampOption = () =>
  new Option('--amp [type]', 'mixed precision: auto (also without a value), bfloat16, float16 or off')
    .choices(['auto', 'bfloat16', 'float16', 'off'])
    .preset('auto');
