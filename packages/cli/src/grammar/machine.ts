/** The grammar of what is asked of the machine: devices, env. */

import type { Command } from 'commander';

export function addDevices(program: Command): void {
  program
    .command('devices')
    .description('list the devices and what they can do')
    .option('--json', 'print JSON')
    .action(async (options) => (await import('../commands/devices.ts')).devices(options));
}

export function addEnv(program: Command): void {
  program
    .command('env')
    .description(
      'print what a report of a problem needs to know: system, processor, versions, tools, devices',
    )
    .option('--json', 'print JSON')
    .action(async (options) => (await import('../commands/env.ts')).env(options));
}
