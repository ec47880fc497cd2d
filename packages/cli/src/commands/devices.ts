/** `omma devices`: what this machine can train on, which device `auto` takes, and why not a better one. */

import { type DeviceFactory, device, deviceFactories } from '@omma/core';
import '../run/devices.ts';
import { formatTable } from '../terminal/table.ts';

export async function devices(options: { readonly json?: boolean }): Promise<void> {
  const automatic = device('auto').name;
  const rows = deviceFactories().map((factory) => ({ ...row(factory), auto: factory.name === automatic }));
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
    return;
  }
  const columns = [
    { title: 'device' },
    { title: 'available' },
    { title: 'mixed precision' },
    { title: 'description' },
  ];
  const cells = rows.map(({ name, available, auto, mixedPrecision, description }) => [
    name,
    available ? (auto ? 'yes, auto' : 'yes') : 'no',
    mixedPrecision.join(', ') || '-',
    description,
  ]);
  process.stdout.write(`${formatTable(columns, cells)}\n`);
}

function row({ name, available }: DeviceFactory) {
  const usable = available();
  if (usable !== true) return { name, available: false, mixedPrecision: [], description: usable };
  const { mixedPrecision, description } = device(name).capabilities;
  return { name, available: true, mixedPrecision, description };
}
