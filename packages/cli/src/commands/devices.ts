/** `omma devices`: what this machine can train on. */

import { device, deviceFactories } from '@omma/core';
import '../run/devices.ts';
import { formatTable } from '../terminal/table.ts';

export async function devices(options: { readonly json?: boolean }): Promise<void> {
  const rows = deviceFactories().map(({ name, available }) => {
    const usable = available();
    if (usable !== true) return { name, available: false, mixedPrecision: [], description: usable };
    const { mixedPrecision, description } = device(name).capabilities;
    return { name, available: true, mixedPrecision, description };
  });
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
  const cells = rows.map((row) => [
    row.name,
    row.available ? 'yes' : 'no',
    row.mixedPrecision.join(', ') || '-',
    row.description,
  ]);
  process.stdout.write(`${formatTable(columns, cells)}\n`);
}
