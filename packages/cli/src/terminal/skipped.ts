/** Samples that could not be read, as lines. */

import type { EpochEvent } from '@omma/engine';

/** `skipped PATH: REASON`. What a decoder says begins with the path already. */
export function skippedLine({ name, reason }: EpochEvent['skipped'][number]): string {
  return reason.startsWith(`${name}: `) ? `skipped ${reason}` : `skipped ${name}: ${reason}`;
}
