/**
 * `npm run golden -- FILE... [--device NAME]`: checks files of golden numbers on a device (`auto` unless given).
 *
 * Prints every case that fails with its largest error, then the counts. Exit code 0 when all hold, 1 when one fails or a file
 * cannot be checked, 2 for wrong usage.
 */

import { parseArgs } from 'node:util';
import { DeviceError, device as deviceNamed, OmmaError } from '@omma/core';
import '@omma/cpu';
import { checkFile } from './check.ts';

const usage = 'usage: npm run golden -- FILE... [--device NAME]';

function argumentsOf(argv: readonly string[]): { files: string[]; device: string } | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { device: { type: 'string', default: 'auto' } },
      allowPositionals: true,
    });
    return positionals.length === 0 ? null : { files: positionals, device: values.device };
  } catch {
    return null;
  }
}

/** The exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const given = argumentsOf(argv);
  if (given === null) {
    console.error(usage);
    return 2;
  }
  const device = deviceNamed(given.device);
  let failed = 0;
  for (const file of given.files) {
    const { checked, failures } = await checkFile(file, device);
    for (const line of failures) console.log(line);
    console.log(
      `${file} on ${device.name}: ${checked - failures.length} of ${checked} pass, ${failures.length} fail`,
    );
    failed += failures.length;
  }
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof OmmaError)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof DeviceError && /no device is called/.test(error.message) ? 2 : 1;
}
