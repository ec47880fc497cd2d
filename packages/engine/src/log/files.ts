/** Files that grow while a run goes on. */

import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OmmaError } from '@omma/core';
import { codeOf, makeFolder } from '@omma/storage';

/** Runs `write` on a log file; what the disk has against it is an OmmaError. */
export async function writingLog(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await write();
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    throw new OmmaError(
      `${path}: cannot write the log (${codeOf(error) ?? String(error)}); free some space or choose another --work-dir`,
    );
  }
}

/** Appends to a log file, which is made when it is not there. */
export function appendLog(path: string, data: string | Uint8Array): Promise<void> {
  return writingLog(path, () => appendFile(path, data));
}
