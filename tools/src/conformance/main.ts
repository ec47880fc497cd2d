/**
 * `node tools/dist/conformance/main.js`: runs the conformance suite on every device of this machine and writes docs/support-matrix.md.
 * Prints what fails and what is left out. Exit code 1 when a check fails, or when a device is missing, because the page would lose it.
 */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { device } from '@omma/core';
import { createJiti } from 'jiti';
import { runTool } from '../commandLine.ts';
import { suiteDevices } from './devices.ts';
import { type DeviceReport, failureLines, supportMatrix } from './matrix.ts';
import { runSuite } from './suite.ts';

const page = new URL('../../../docs/support-matrix.md', import.meta.url);

const usage = `usage: node tools/dist/conformance/main.js [options]

  --device NAME  runs the suite on that device alone, any that is registered, and writes nothing
  --import FILE  a module that is run first, for the device or the ops that it registers; may be given several times
`;

await runTool('conformance', usage, async (args) => {
  const { values } = parseArgs({
    args,
    options: { device: { type: 'string' }, import: { type: 'string', multiple: true } },
  });
  const { import: modules = [] } = values;
  const jiti = createJiti(import.meta.url);
  for (const file of modules) await jiti.import(resolve(file));
  const chosen =
    values.device === undefined ? suiteDevices() : [{ name: values.device, device: device(values.device) }];
  const reports: DeviceReport[] = [];
  let complete = true;
  for (const entry of chosen) {
    if ('skipped' in entry) {
      console.error(`${entry.name} is left out: ${entry.skipped}`);
      complete = false;
      continue;
    }
    const results = await runSuite(entry.device);
    const failures = failureLines(results);
    for (const line of failures) console.log(line);
    console.log(`${entry.name}: ${results.length} checks, ${failures.length} fail`);
    complete &&= failures.length === 0;
    reports.push({ device: entry.device, results });
  }
  if (values.device !== undefined || modules.length > 0)
    console.error(
      'docs/support-matrix.md is left as it is, because it is of every device of Omma and of no other module',
    );
  else if (reports.length === chosen.length) writeFileSync(page, supportMatrix(reports));
  else console.error('docs/support-matrix.md is left as it is, because a device is missing');
  return complete ? 0 : 1;
});
