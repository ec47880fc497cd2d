/**
 * Tar shards, as WebDataset writes them, by random access. The index hops from header to header and reads no file's content, which a library
 * that streams would have to; after that a file is one range of bytes.
 */

import { OmmaError } from '@omma/core';
import type { ByteSource } from '../byteSource.ts';
import { readAhead } from '../readAhead.ts';
import { type Archive, type ArchiveEntry, type ArchiveProgress, readMember } from './archive.ts';

const block = 512;
/** A path that is longer than this is taken for damage. */
const longestName = 64 * 1024;

/** Bytes that are read behind a large file: enough for a header, a label and the next header. */
const headersAtOnce = 4096;
/** Files of so many bytes are kept, since they come with the headers around them: labels. */
const keptBytes = 32;

/** The regular files of an archive, hard links to them included, by name, in its order. */
export class TarArchive implements Archive {
  readonly #source: ByteSource;
  readonly entries: ReadonlyMap<string, ArchiveEntry>;
  /** By where they lie. */
  readonly #kept: ReadonlyMap<number, Uint8Array>;

  private constructor(
    source: ByteSource,
    entries: ReadonlyMap<string, ArchiveEntry>,
    kept: ReadonlyMap<number, Uint8Array>,
  ) {
    this.#source = source;
    this.entries = entries;
    this.#kept = kept;
  }

  static async open(file: ByteSource, onProgress: ArchiveProgress = () => {}): Promise<TarArchive> {
    const source = readAhead(file, headersAtOnce);
    const { size: total } = source;
    const entries = new Map<string, ArchiveEntry>();
    const kept = new Map<number, Uint8Array>();
    let extended: Extended = {};
    for (let at = 0; ; ) {
      if (at + block > total) {
        throw new OmmaError(`${source.name} is cut off: it has no end mark; copy it again`);
      }
      const header = await source.read(at, block);
      if (header.every((byte) => byte === 0)) break;
      const { type, ...own } = parseHeader(header, source.name, at);
      // What an extension says is about the file after it, and not about another extension between the two.
      const isFile = !['L', 'K', 'x', 'g'].includes(type);
      const { name, size, link } = isFile ? { ...own, ...extended } : own;
      const offset = at + block;
      if (offset + size > total) {
        throw new OmmaError(
          `${source.name} is cut off: ${name} ends at ${offset + size}, the archive at ${total}; copy it again`,
        );
      }
      if (type === 'L' || type === 'K' || type === 'x')
        extended = { ...extended, ...(await extensionOf(source, offset, size, type)) };
      if (type === '0' || type === '\0') {
        entries.set(name, { offset, size });
        if (size <= keptBytes) kept.set(offset, (await source.read(offset, size)).slice());
      }
      // A hard link: another name of a regular file that came before.
      const linked = type === '1' ? entries.get(link) : undefined;
      if (linked !== undefined) entries.set(name, linked);
      if (isFile) extended = {};
      at = offset + Math.ceil(size / block) * block;
      onProgress(at / total);
    }
    return new TarArchive(readAhead(file), entries, kept);
  }

  async read(name: string): Promise<Uint8Array> {
    const kept = this.#kept.get(this.entries.get(name)?.offset ?? -1);
    return kept ?? readMember(this.#source, this.entries, name);
  }
}

/** What an extension says about the file after it, in place of that file's header. */
interface Extended {
  readonly name?: string;
  readonly size?: number;
  readonly link?: string;
}

/** What GNU's long names or a pax header says. */
async function extensionOf(
  source: ByteSource,
  offset: number,
  size: number,
  type: 'L' | 'K' | 'x',
): Promise<Extended> {
  if (size > longestName)
    throw new OmmaError(`${source.name}: a header of ${size} bytes at ${offset} is too long`);
  const bytes = await source.read(offset, size);
  if (type !== 'x') return type === 'L' ? { name: textOf(bytes) } : { link: textOf(bytes) };
  const records = paxRecords(bytes, source.name, offset);
  const [path, digits, link] = ['path', 'size', 'linkpath'].map((key) => records.get(key));
  // Files of 8 GiB and more, whose size has no place in their header.
  const large = digits === undefined || /^\d{1,15}$/.test(digits) ? digits : undefined;
  if (large !== digits)
    throw new OmmaError(`${source.name}: the pax header at ${offset} gives the size ${digits}`);
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(large === undefined ? {} : { size: Number(large) }),
    ...(link === undefined ? {} : { link }),
  };
}

/** The records of a pax header, each `LENGTH KEY=VALUE` and a line end, LENGTH being the bytes of all that (POSIX.1-2001). */
function paxRecords(bytes: Uint8Array, archive: string, place: number): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const [, digits] = /^(\d{1,6}) /.exec(Buffer.from(bytes.subarray(at, at + 8)).toString('latin1')) ?? [];
    const end = at + Number(digits);
    const record = Buffer.from(bytes.subarray(at + (digits?.length ?? 0) + 1, end - 1)).toString('utf8');
    const equals = record.indexOf('=');
    if (digits === undefined || end > bytes.length || bytes[end - 1] !== 10 || equals < 1)
      throw new OmmaError(`${archive} is damaged: the pax header at ${place} cannot be read at byte ${at}`);
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
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
  const name = prefix === '' ? field(0, 100) : `${prefix}/${field(0, 100)}`;
  return { name, size, type, link: field(157, 257) };
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
