/**
 * `npm run golden -- FILE... [--device NAME]`: checks files of golden numbers on a device (`auto` unless given).
 *
 * Prints every case that fails with its largest error, then the counts. Exit code 0 when all hold, 1 when one fails or a file
 * cannot be checked, 2 for wrong usage.
 */

import { parseArgs } from 'node:util';
import { type Device, DeviceError, device as deviceNamed, OmmaError } from '@omma/core';
import '@omma/ascend';
import '@omma/cpu';
import '@omma/onnx';
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
  let good = true;
  for (const file of given.files) good = (await reported(file, device)) && good;
  return good ? 0 : 1;
}

/** Checks one file and prints what it found; true when all holds. A file that cannot be checked does not keep others from it. */
async function reported(file: string, device: Device): Promise<boolean> {
  try {
    const { checked, failures } = await checkFile(file, device);
    for (const line of failures) console.log(line);
    console.log(
      `${file} on ${device.name}: ${checked - failures.length} of ${checked} pass, ${failures.length} fail`,
    );
    return failures.length === 0;
  } catch (error) {
    if (!(error instanceof OmmaError)) throw error;
    console.error(error.message);
    return false;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof OmmaError)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof DeviceError && /no device is called/.test(error.message) ? 2 : 1;
}
