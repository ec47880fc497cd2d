/** Makes the device `ascend` known: whether this machine has any, how many, opening them, and closing all of them when the process ends. */

import { type Device, DeviceError, registerDevice } from '@omma/core';
import { repeatFinalize, success, uninitialized } from '../acl/errors.ts';
import { type Acl, check, openAcl } from '../acl/library.ts';
import { findToolkit, type Toolkit } from '../acl/toolkit.ts';
import type { AtcProgress } from '../atc/compiler.ts';
import { AscendDevice } from './device.ts';

/** What this machine has. */
interface Machine {
  readonly toolkit: Toolkit;
  readonly acl: Acl;
  readonly devices: number;
}

const defaultTimeoutSeconds = 600;
/** A compilation shorter than this is not worth a line. */
const quietSeconds = 5;

let looked: Machine | string | undefined;
const open = new Set<AscendDevice>();
let owns = false;
let atExit = false;

/** The libraries and devices of this machine, or in one line why there are none. Looks once a process. */
function machine(): Machine | string {
  looked ??= look();
  return looked;
}

function look(): Machine | string {
  const toolkit = findToolkit();
  if (typeof toolkit === 'string') return toolkit;
  try {
    const acl = openAcl(toolkit.libraries);
    const devices = countDevices(acl);
    if (devices > 0) return { toolkit, acl, devices };
    return `CANN is installed (${toolkit.libraries.join(', ')}) but sees no device; check npu-smi info and ASCEND_RT_VISIBLE_DEVICES`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The documents leave open whether the library must be initialised before it counts; here it works both ways. */
function countDevices(acl: Acl): number {
  const count: [number] = [0];
  const code = acl.getDeviceCount(count);
  if (code === uninitialized) {
    acl.getRecentErrMsg();
    check(acl, 'aclInit', acl.init(null));
    owns = true;
    endWithProcess(acl);
    check(acl, 'aclrtGetDeviceCount', acl.getDeviceCount(count));
  } else check(acl, 'aclrtGetDeviceCount', code);
  return count[0];
}

/** Devices first, then the library, which only who initialised it ends; older releases cannot initialise it again, so not before the end. */
function endWithProcess(acl: Acl): void {
  if (atExit) return;
  atExit = true;
  process.once('exit', () => {
    for (const device of open) device.dispose();
    if (!owns) return;
    const code = acl.finalize();
    if (code !== success && code !== repeatFinalize)
      process.stderr.write(`ascend: aclFinalize failed with ${code}\n`);
  });
}

/** A device of its own, beside the one that `device('ascend:INDEX')` opens. Throws DeviceError when this machine has none. */
export function createAscendDevice(index = 0, progress: AtcProgress = reportCompilation): AscendDevice {
  const found = machine();
  if (typeof found === 'string') throw new DeviceError(`device ascend: ${found}`);
  endWithProcess(found.acl);
  const device = new AscendDevice(index, found.toolkit, { timeout: stepTimeout(), progress }, (closed) =>
    open.delete(closed),
  );
  open.add(device);
  owns ||= device.ownsLibrary;
  return device;
}

/** A line every now and then, so that nobody takes a compilation of minutes for a hang. */
function reportCompilation({ seconds, done }: Parameters<AtcProgress>[0]): void {
  if (seconds < quietSeconds) return;
  if (done) process.stderr.write(`ascend: compiled in ${seconds.toFixed(0)} s\n`);
  else if (Math.round(seconds) % 30 === quietSeconds)
    process.stderr.write(`ascend: atc has been compiling for ${seconds.toFixed(0)} s\n`);
}

/** `OMMA_ASCEND_TIMEOUT` in seconds. */
function stepTimeout(): number {
  const text = process.env.OMMA_ASCEND_TIMEOUT;
  if (text === undefined || text === '') return defaultTimeoutSeconds;
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 1_000_000) return seconds;
  throw new DeviceError(
    `ascend: OMMA_ASCEND_TIMEOUT should be a number of seconds but is ${text}; remove it for ${defaultTimeoutSeconds}`,
  );
}

registerDevice({
  name: 'ascend',
  priority: 200,
  eager: false,
  available: () => {
    const found = machine();
    return typeof found === 'string' ? found : true;
  },
  count: () => {
    const found = machine();
    return typeof found === 'string' ? 1 : found.devices;
  },
  create: (index): Device => createAscendDevice(index),
});
