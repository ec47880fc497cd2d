/** Files for readers that want a path: one folder a thread, thrown away at its end. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

let folder: string | null = null;

/** The path of a file called `name` that holds `bytes`. */
export async function temporaryFile(name: string, bytes: Uint8Array): Promise<string> {
  if (folder === null) {
    folder = mkdtempSync(join(tmpdir(), 'omma-fuzz-'));
    process.once('exit', removeTemporaryFiles);
  }
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** For threads and processes that do not come to their own end. */
export function removeTemporaryFiles(): void {
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
  folder = null;
}
