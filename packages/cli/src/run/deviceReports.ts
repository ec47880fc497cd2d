/** The devices of this machine: which there are, which `auto` takes, and why not a better one. */

import { type DeviceFactory, device, deviceFactories } from '@omma/core';
import './devices.ts';

export interface DeviceReport {
  readonly name: string;
  readonly available: boolean;
  readonly mixedPrecision: readonly string[];
  /** What it is; why it cannot be used, where it is not available. */
  readonly description: string;
  /** True for the one that `auto` takes. */
  readonly auto: boolean;
}

export function deviceReports(): DeviceReport[] {
  const automatic = device('auto').name;
  return deviceFactories().map((factory) => ({ ...reportOf(factory), auto: factory.name === automatic }));
}

function reportOf({ name, available }: DeviceFactory): Omit<DeviceReport, 'auto'> {
  const usable = available();
  if (usable !== true) return { name, available: false, mixedPrecision: [], description: usable };
  const { mixedPrecision, description } = device(name).capabilities;
  return { name, available: true, mixedPrecision, description };
}
