/** The devices that the suite is run on, and why one is left out on this machine. */

import { type Device, device, deviceFactories } from '@omma/core';
import '@omma/ascend';
import '@omma/cpu';
import '@omma/cv';
import '@omma/onnx';

/** A device, or the reason why it is not there. */
export type SuiteDevice =
  | { readonly name: string; readonly device: Device }
  | { readonly name: string; readonly skipped: string };

/** In the order of the page: the oracle first. */
const names = ['reference', 'cpu', 'onnx'];

export function suiteDevices(): SuiteDevice[] {
  return names.map((name) => {
    const factory = deviceFactories().find((candidate) => candidate.name === name);
    const available = factory === undefined ? 'it is not registered' : factory.available();
    return available === true ? { name, device: device(name) } : { name, skipped: available };
  });
}
