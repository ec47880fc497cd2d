/** Files on disk. The file stays open, so that what is read is one file even when another takes its name meanwhile. */

import { open } from 'node:fs/promises';
import { OmmaError } from '@omma/core';
import { type ByteSource, type ByteSourceStat, checkRange } from './byteSource.ts';
import { codeOf } from './files.ts';

/** Bytes that one call of the system may be asked for. */
const mostAtOnce = 2 ** 30;

/** What a disk reads in the time that a call of the system takes. */
const diskSkips = 8 * 2 ** 10;

/** Opens the file at `path` for reading. OmmaError where that cannot be done, or when it shrinks while it is read. */
export async function fileSource(path: string): Promise<ByteSource> {
  const unreadable = (error: unknown): never => {
    throw new OmmaError(`${path}: cannot be read (${codeOf(error) ?? String(error)}); check the path`);
  };
  const file = await open(path, 'r').catch(unreadable);
  const status = await file.stat().catch(unreadable);
  if (!status.isFile()) {
    await file.close();
    throw new OmmaError(`${path}: is no file; name a file inside of it`);
  }
  const source: ByteSource = {
    name: path,
    ...localStat(status),
    worthSkipping: diskSkips,
    async read(offset, length) {
      checkRange(source, offset, length);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file
          .read(bytes, done, Math.min(length - done, mostAtOnce), offset + done)
          .catch(unreadable);
        if (bytesRead === 0) throw new OmmaError(`${path}: became shorter while it was read; try again`);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
  return source;
}

/** What a file on disk is known by: see `ByteSourceStat`. */
export function localStat({ size, mtime }: { readonly size: number; readonly mtime: Date }): ByteSourceStat {
  return { size, version: mtime.toISOString() };
}
