/** `omma devices`: what this machine can train on, which device `auto` takes, and why not a better one. */

import { type DeviceReport, deviceReports } from '../run/deviceReports.ts';
import { formatTable } from '../terminal/table.ts';

export async function devices(options: { readonly json?: boolean }): Promise<void> {
  const reports = deviceReports();
  process.stdout.write(
    options.json === true ? `${JSON.stringify(reports, null, 2)}\n` : `${deviceTable(reports)}\n`,
  );
}

export function deviceTable(reports: readonly DeviceReport[]): string {
  return formatTable(
    [{ title: 'device' }, { title: 'available' }, { title: 'mixed precision' }, { title: 'description' }],
    reports.map(({ name, available, auto, mixedPrecision, description }) => [
      name,
      available ? (auto ? 'yes, auto' : 'yes') : 'no',
      mixedPrecision.join(', ') || '-',
      description,
    ]),
  );
}
