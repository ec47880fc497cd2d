/** Failures of the addon arrive as plain errors that name the node; to the caller they are the device's. */

import { DeviceError } from '@omma/core';

export async function asDeviceError<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw new DeviceError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
