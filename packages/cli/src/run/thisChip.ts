/** The chip of this machine, for commands that compile for one. */

import { AscendDevice } from '@omma/ascend';
import { device, OmmaError } from '@omma/core';

/** What `aclrtGetSocName` says of the first device. Throws OmmaError when this machine has none. */
export function thisChip(): string {
  const ascend = device('ascend');
  if (ascend instanceof AscendDevice) return ascend.soc;
  throw new OmmaError('export: the device ascend does not tell its chip; give --soc-version');
}
