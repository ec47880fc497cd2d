/** `omma env`: what a report of a problem needs to know of this machine. */

import pc from 'picocolors';
import { collectEnvironment } from '../run/environment.ts';
import { formatBytes } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import { deviceTable } from './devices.ts';

export async function env({ json }: { readonly json?: boolean }): Promise<void> {
  const report = await collectEnvironment();
  if (json === true) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const { system, versions, tools, variables, devices } = report;
  const sections: [string, string][] = [
    [
      'system',
      pairs({
        system: system.name,
        kernel: system.kernel,
        processor: `${system.processor}, ${system.cores} cores`,
        extensions: system.extensions.join(' '),
        memory: `${formatBytes(system.memory)}, ${formatBytes(system.freeMemory)} free`,
      }),
    ],
    ['versions', pairs(versions)],
    ['tools', pairs(tools)],
    ['devices', deviceTable(devices)],
    ['environment', pairs(variables)],
  ];
  const shown = sections.filter(([, text]) => text !== '');
  process.stdout.write(`${shown.map(([title, text]) => `${pc.bold(title)}\n${text}\n`).join('\n')}`);
}

function pairs(values: Readonly<Record<string, string | null>>): string {
  return formatTable(
    [{ title: '' }, { title: '' }],
    Object.entries(values).map(([name, value]) => [`  ${name}`, value ?? 'not installed']),
  );
}
