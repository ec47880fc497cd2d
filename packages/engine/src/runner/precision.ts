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
