/** The grammar of `omma config`. */

import { type Command, Option } from 'commander';
import { collect } from '../../grammar/arguments.ts';

export function addConfig(program: Command): void {
  const config = program.command('config').description('print, compare, check and convert config files');
  common(config.command('print'))
    .description('print a config with everything that it inherits')
    .argument('<config>', 'config file (.ts, .js, .json, .yaml or .py)')
    .option('--set <path=value>', 'replace a value (repeat for more)', collect, [])
    .addOption(new Option('--format <name>', 'how to print it').choices(formats).default('yaml'))
    .option('--sources', 'a line a value, with the file and line that set it')
    .option('--omma', "an OpenMMLab config in Omma's terms")
    .option('--json', 'print JSON')
    .action(async (file, options) => (await import('./print.ts')).printConfig(file, options));
  common(config.command('diff'))
    .description('compare two configs value by value; exit code 1 when they differ')
    .argument('<a>', 'config file')
    .argument('<b>', 'config file')
    .option('--json', 'print JSON')
    .action(async (a, b, options) => (await import('./diff.ts')).diffConfigs(a, b, options));
  common(config.command('check'))
    .description('list every mistake of configs with its place; exit code 1 when there is one')
    .argument('<config...>', 'config files')
    .option('--set <path=value>', 'replace a value (repeat for more)', collect, [])
    .option('--json', 'print JSON')
    .action(async (files, options) => (await import('./check.ts')).checkConfigs(files, options));
  common(config.command('convert'))
    .description(
      "write a config in another format, an OpenMMLab one in Omma's terms; exit code 1 when something has no equivalent",
    )
    .argument('<config>', 'config file')
    .addOption(new Option('--to <name>', "the format; that of --out, or 'ts', unless given").choices(formats))
    .option('--out <file>', 'the file; standard output unless given')
    .option('--as-is', "keep OpenMMLab's names")
    .option('--json', 'print what has no equivalent as JSON')
    .action(async (file, options) => (await import('./convert.ts')).convertConfig(file, options));
  config
    .command('params')
    .description('list the parameter groups of a config: learning rate and weight decay of every parameter')
    .argument('<config>', 'config file (.ts, .js, .json, .yaml or OpenMMLab .py)')
    .option('--set <path=value>', 'replace a value (repeat for more)', collect, [])
    .option('--all', 'a line for every parameter')
    .option('--json', 'print JSON')
    .action(async (file, options) => (await import('./params.ts')).configParams(file, options));
  config
    .command('schema')
    .description('write the JSON Schema of configs, by which editors complete and check JSON and YAML files')
    .argument('[config]', 'config file, for the types that its modules register too')
    .option('--out <file>', 'the file; standard output unless given')
    .action(async (config, options) => (await import('./schema.ts')).configSchemaFile(config, options));
  config
    .command('types')
    .description('list every type that a config can name, and the file that registers it')
    .argument('[config]', 'config file, for the types that its modules register too')
    .option('--json', 'print JSON')
    .action(async (config, options) => (await import('./types.ts')).configTypes(config, options));
}

/** As in configFormats of the engine, which this file does not load. */
const formats = ['ts', 'json', 'yaml', 'py'];

function common(command: Command): Command {
  return command.option(
    '--package-path <dir>',
    'folder with OpenMMLab packages (site-packages), for bases such as mmdet::... (repeat for more)',
    collect,
    [],
  );
}
