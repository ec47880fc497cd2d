/**
 * LMDB stores (MMEngine's `LmdbBackend`, LSUN, py-lmdb's) by random access, wherever their `data.mdb` lies: the tree of keys is read once, then a
 * value is one range of bytes, because LMDB keeps each in one piece.
 *
 * Read by hand, since the libraries do not fit: npm's `lmdb` writes a format of its own and crashes on this one, and liblmdb maps local files
 * only and does not tell where in the file a value lies. The format is that of liblmdb 0.9 (mdb.c: MDB_page, MDB_node, MDB_meta) on 64-bit,
 * little-endian machines. Nothing here writes or locks, so nobody should write to the store meanwhile.
 */

import { OmmaError } from '@omma/core';
import type { ByteSource } from '../byteSource.ts';
import { readAhead } from '../readAhead.ts';
import { type Archive, type ArchiveEntry, type ArchiveProgress, readMember } from './archive.ts';
import { type LmdbMeta, LmdbTree, pageFlags, pageHeader, requirePage } from './lmdbTree.ts';

const magic = 0xbeefc0de;
/** Where the meta data of a store ends. */
const metaEnd = pageHeader + 136;
const noPage = 0xffff_ffff_ffff_ffffn;
/** What a database may be that has more than one value a key, or keys that are no text. */
const unusualDatabase = 0x7e;
/** Levels that a tree can have: liblmdb's CURSOR_STACK. */
const deepest = 32;

/** True for the first bytes of a store's file. */
export function isLmdb(start: Uint8Array): boolean {
  return start.length >= pageHeader + 4 && viewOf(start).getUint32(pageHeader, true) === magic;
}

/** The values of a store's main database, by key (UTF-8), in the order of the keys. */
export class LmdbArchive implements Archive {
  readonly #source: ByteSource;
  readonly #meta: LmdbMeta;
  readonly entries: ReadonlyMap<string, ArchiveEntry>;

  private constructor(source: ByteSource, meta: LmdbMeta, entries: ReadonlyMap<string, ArchiveEntry>) {
    this.#source = source;
    this.#meta = meta;
    this.entries = entries;
  }

  static async open(file: ByteSource, onProgress?: ArchiveProgress): Promise<LmdbArchive> {
    const source = readAhead(file);
    const meta = await newestMeta(source);
    const needed = (meta.lastPage + 1) * meta.pageBytes;
    if (source.size < needed)
      throw new OmmaError(
        `${source.name} is cut off: its pages reach to ${needed}, the file to ${source.size}; copy it again`,
      );
    const { root } = meta;
    const entries = root === null ? new Map() : await new LmdbTree(file, meta).entries(root, onProgress);
    return new LmdbArchive(source, meta, entries);
  }

  async read(name: string): Promise<Uint8Array> {
    const entry = this.entries.get(name);
    const { pageBytes, lastPage } = this.#meta;
    // A value behind its key lies further on its page.
    if (entry === undefined || entry.offset % pageBytes !== pageHeader)
      return readMember(this.#source, this.entries, name);
    // The page of a large value says of how many it is the first.
    const { offset, size } = entry;
    const bytes = await this.#source.read(offset - pageHeader, size + pageHeader);
    const first = Math.floor(offset / pageBytes);
    const pages = requirePage(this.#source, viewOf(bytes), first, pageFlags.overflow).getUint32(12, true);
    if (pages * pageBytes < bytes.length || first + pages - 1 > lastPage)
      throw new OmmaError(
        `${this.#source.name} is damaged: ${name} has ${size} bytes, the pages from ${first} on say ${pages} pages of ${pageBytes}; copy it again`,
      );
    return bytes.subarray(pageHeader);
  }
}

/** Of the two that a store keeps, what the last transaction wrote. */
async function newestMeta(source: ByteSource): Promise<LmdbMeta> {
  const first = await metaAt(source, 0);
  const second = await metaAt(source, first.pageBytes);
  return second.transaction > first.transaction ? second : first;
}

async function metaAt(source: ByteSource, offset: number): Promise<LmdbMeta> {
  const wrong = (what: string): never => {
    throw new OmmaError(
      `${source.name}: ${what}; expected the data.mdb of liblmdb 0.9 (as py-lmdb writes it)`,
    );
  };
  const view = viewOf(await source.read(offset, metaEnd));
  if (view.getUint32(pageHeader, true) !== magic) wrong('is no LMDB store, or damaged');
  const version = view.getUint32(pageHeader + 4, true);
  if (version !== 1) wrong(`is an LMDB store of format ${version}`);
  // After the address and the size of the map come two databases of 48 bytes, the free pages and the main one, then the last page and the transaction.
  const free = pageHeader + 24;
  const main = free + 48;
  const pageBytes = view.getUint32(free, true);
  if (pageBytes < 512 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0)
    wrong(`is damaged: it has pages of ${pageBytes} bytes`);
  if ((view.getUint16(main + 4, true) & unusualDatabase) !== 0)
    wrong('has several values a key, or keys that are numbers');
  const root = view.getBigUint64(main + 40, true);
  const depth = view.getUint16(main + 6, true);
  if (depth > deepest) wrong(`is damaged: its tree has ${depth} levels`);
  return {
    pageBytes,
    root: root === noPage ? null : Number(root),
    depth,
    lastPage: Number(view.getBigUint64(main + 48, true)),
    transaction: view.getBigUint64(main + 56, true),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
