/** Failures of the device's thread as a user reads them: what happened, what became of the state, what to do. */

import { DeviceError } from '@omma/core';
import { CommandError } from './deviceThread.ts';

/** `error` as the error of `device`; `doing` says what it was at, in a few words. */
export function asDeviceError(device: string, doing: string, error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  if (!(error instanceof CommandError)) {
    return new DeviceError(`${device}: ${doing}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const { message, lost, outOfMemory } = error.failed;
  const what = outOfMemory ? `${doing}: the device is out of memory` : doing;
  const after = lost ? '; the device was given up, start a new process' : '';
  return new DeviceError(`${device}: ${what}: ${message}${after}`, { cause: error });
}
