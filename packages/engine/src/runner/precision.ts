/** Mixed precision: which 16-bit type a run uses. float16 needs loss scaling besides, because its small gradients vanish: core has it. */

import { type Device, type MixedPrecision, OmmaError } from '@omma/core';
import type { AmpSetting } from '../optim/config.ts';

/** The 16-bit type for `setting` on `device`; null for float32 throughout. */
export function mixedPrecisionFor(device: Device, setting: AmpSetting): MixedPrecision | null {
  if (setting === 'off') return null;
  const { dtypes, mixedPrecision } = device.capabilities;
  if (setting === 'auto') {
    const [best] = mixedPrecision;
    return best === 'bfloat16' || best === 'float16' ? best : null;
  }
  if (dtypes.includes(setting)) return setting;
  throw new OmmaError(
    `amp: device ${device.name} has no ${setting}, only ${dtypes.join(', ')}; use --amp auto or --amp off`,
  );
}

/** A warning for training without a loss scale where the device multiplies in float16 all the same; null elsewhere. */
export function unscaledWarning({ name, capabilities }: Device, amp: MixedPrecision | null): string | null {
  if (amp !== null || capabilities.float32As !== 'float16') return null;
  return `${name} multiplies float32 numbers as float16, and without mixed precision no loss scale keeps small gradients from vanishing; train with --amp, or set optimWrapper.amp`;
}
