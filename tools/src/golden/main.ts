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
import { runTool, UsageError } from '../commandLine.ts';
import { checkFile } from './check.ts';

const usage = `usage: npm run golden -- FILE... [options]

  --device NAME  the device to check; auto unless given
`;

await runTool('golden', usage, async (args) => {
  const { values, positionals } = parseArgs({
    args,
    options: { device: { type: 'string', default: 'auto' } },
    allowPositionals: true,
  });
  if (positionals.length === 0) throw new UsageError('expected a file');
  const device = chosenDevice(values.device);
  let good = true;
  for (const file of positionals) good = (await reported(file, device)) && good;
  return good ? 0 : 1;
});

/** One that is not there is wrong usage. */
function chosenDevice(name: string): Device {
  try {
    return deviceNamed(name);
  } catch (error) {
    if (error instanceof DeviceError && /no device is called/.test(error.message))
      throw new UsageError(error.message);
    throw error;
  }
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
