/**
 * Tar shards, as WebDataset writes them, by random access. The index hops from header to header and reads no file's content, which a library
 * that streams would have to; after that a file is one range of bytes.
 */

import { OmmaError } from '@omma/core';
import { type Archive, type ArchiveEntry, readMember } from './archive.ts';
import type { ByteSource } from './byteSource.ts';

const block = 512;
/** A path that is longer than this is taken for damage. */
const longestName = 64 * 1024;

/** The regular files of an archive, by name, in its order. */
export class TarArchive implements Archive {
  readonly #source: ByteSource;
  readonly entries: ReadonlyMap<string, ArchiveEntry>;

  private constructor(source: ByteSource, entries: ReadonlyMap<string, ArchiveEntry>) {
    this.#source = source;
    this.entries = entries;
  }

  static async open(source: ByteSource): Promise<TarArchive> {
    const { size: total } = await source.stat();
    const entries = new Map<string, ArchiveEntry>();
    let longName: string | null = null;
    for (let at = 0; ; ) {
      if (at + block > total) {
        throw new OmmaError(`${source.name} is cut off: it has no end mark; copy it again`);
      }
      const header = await source.read(at, block);
      if (header.every((byte) => byte === 0)) break;
      const { name, size, type } = parseHeader(header, source.name, at);
      const offset = at + block;
      if (offset + size > total) {
        throw new OmmaError(
          `${source.name} is cut off: ${name} ends at ${offset + size}, the archive at ${total}; copy it again`,
        );
      }
      if (type === 'L' || type === 'x') longName = await extendedName(source, offset, size, type);
      else if (type !== 'g') {
        if (type === '0' || type === '\0') entries.set(longName ?? name, { offset, size });
        longName = null;
      }
      at = offset + Math.ceil(size / block) * block;
    }
    return new TarArchive(source, entries);
  }

  async read(name: string): Promise<Uint8Array> {
    return readMember(this.#source, this.entries, name);
  }
}

/** The name that a GNU long name or a pax header gives to the file after it; null where a pax header gives none. */
async function extendedName(
  source: ByteSource,
  offset: number,
  size: number,
  type: 'L' | 'x',
): Promise<string | null> {
  if (size > longestName)
    throw new OmmaError(`${source.name}: a header of ${size} bytes at ${offset} is too long`);
  const text = textOf(await source.read(offset, size));
  return type === 'L' ? text : (/^\d+ path=(.*)$/m.exec(text)?.[1] ?? null);
}

function parseHeader(header: Uint8Array, archive: string, at: number) {
  const field = (from: number, to: number) => textOf(header.subarray(from, to));
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  const size = numberOf(header.subarray(124, 136));
  if (Number.parseInt(field(148, 156).trim(), 8) !== sum || !Number.isSafeInteger(size) || size < 0) {
    throw new OmmaError(`${archive} is no tar archive, or damaged: there is no valid header at ${at}`);
  }
  const prefix = field(257, 262) === 'ustar' && header[263] === 48 ? field(345, 500) : '';
  const type = String.fromCharCode(header[156] ?? 0);
  return { name: prefix === '' ? field(0, 100) : `${prefix}/${field(0, 100)}`, size, type };
}

/** Octal digits, or for large files GNU's base 256. */
function numberOf(bytes: Uint8Array): number {
  if ((bytes[0] ?? 0) < 128) return Number.parseInt(textOf(bytes).trim() || '0', 8);
  return bytes.subarray(1).reduce((value, byte) => value * 256 + byte, (bytes[0] ?? 0) & 0x7f);
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}
