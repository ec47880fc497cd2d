/** Where what is made of a checkpoint goes unless told: beside it, or for one at an address into the current folder. */

import { extname } from 'node:path';
import { fileName, isRemote } from '@omma/storage';

/** `extension` with its dot, in place of the checkpoint's own. */
export function besideCheckpoint(checkpoint: string, extension: string): string {
  const path = isRemote(checkpoint) ? fileName(checkpoint) : checkpoint;
  return `${path.slice(0, path.length - extname(path).length)}${extension}`;
}
