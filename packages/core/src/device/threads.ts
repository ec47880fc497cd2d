/** How many threads a device on this machine's processor uses: one setting for all of them. */

import { DeviceError } from '../errors.ts';

/** The number in `setting`, the text of the environment variable `OMMA_NUM_THREADS`; `available` where it is not set. */
export function threadCount(device: string, setting: string | undefined, available: number): number {
  if (setting === undefined || setting === '') return available;
  const count = Number(setting);
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw new DeviceError(
      `${device}: OMMA_NUM_THREADS must be a whole number from 1 to 1024 but is ${setting}`,
    );
  }
  return count;
}
