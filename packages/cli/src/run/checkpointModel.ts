/** Opens checkpoints for the commands: with every device at hand, and the progress of a download. */

import { type CheckpointModel, openCheckpoint as open } from '@omma/classification';
import type { AmpName } from './config.ts';
import './devices.ts';
import { withWeightProgress } from '../terminal/byteProgress.ts';

export type { CheckpointModel };

/** Opens a checkpoint, at a path or an address, for inference on `device`. */
export function openCheckpoint(
  path: string,
  { device, amp }: { readonly device?: string; readonly amp?: AmpName },
): Promise<CheckpointModel> {
  const options = { ...(device === undefined ? {} : { device }), ...(amp === undefined ? {} : { amp }) };
  return withWeightProgress('reading', (listeners) => open(path, { ...options, ...listeners }));
}
