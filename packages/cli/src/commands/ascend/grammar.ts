/** The grammar of `omma ascend`. */

import { type Command, Option } from 'commander';

export function addAscend(program: Command): void {
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
    .action(async (model, options) => (await import('./check.ts')).ascendCheck(model, options));
  addDoctor(ascend);
}

function addDoctor(ascend: Command): void {
  ascend
    .command('doctor')
    .description('try everything that Omma needs of CANN and the chips of this machine, and write a report')
    .option('--out <file>', 'the report', 'omma-ascend-report.txt')
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./doctor.ts')).doctor(options));
}
