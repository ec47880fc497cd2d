/** The picture files that arguments of a command name: files, and folders with all that lies in them. */

import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { OmmaError } from '@omma/core';
import { imageExtensions } from '@omma/cv';

/** In the order of the arguments, a folder's by name. OmmaError for a path that is not there and for a folder without a picture. */
export async function picturesAt(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new OmmaError(
        `${path}: the picture cannot be read (${error.code ?? error.message}); check the path`,
      );
    });
    if (info.isDirectory()) found.push(...(await picturesIn(path)));
    else found.push(path);
  }
  return found;
}

async function picturesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new OmmaError(
        `${folder}: the folder cannot be read (${error.code ?? error.message}); check its permissions`,
      );
    },
  );
  const pictures = entries
    .filter((entry) => entry.isFile() && imageExtensions.includes(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (pictures.length > 0) return pictures;
  throw new OmmaError(
    `${folder}: expected pictures (${imageExtensions.join(', ')}), found ${entries.length === 0 ? 'an empty folder' : `none among ${entries.length} files and folders`}; name another folder, or the files`,
  );
}
