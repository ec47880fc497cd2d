/** Config files for tests, each set in a folder of its own. */

import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for this test file. */
export const configFolder: Promise<string> = mkdtemp(join(tmpdir(), 'omma-configs-'));
let written = 0;

/** Writes files by name; the path of the first. */
export async function configFiles(texts: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(await configFolder, String(written++));
  await mkdir(folder);
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  return join(folder, Object.keys(texts)[0] ?? '');
}

/** A message without the folders in it. */
export function withoutFolders(message: string): string {
  return message.replaceAll(/[^\s(]*\/(?=[^/\s]*\.)/g, '');
}
