/**
 * LMDB stores (MMEngine's `LmdbBackend`, LSUN, py-lmdb's) by random access, wherever their `data.mdb` lies: the tree of keys is walked once, then a
 * value is one range of bytes, because LMDB keeps each in one piece.
 *
 * Read by hand, since the libraries do not fit: npm's `lmdb` writes a format of its own and crashes on this one, and liblmdb maps local files
 * only and does not tell where in the file a value lies. The format is that of liblmdb 0.9 (mdb.c: MDB_page, MDB_node, MDB_meta) on 64-bit,
 * little-endian machines. Nothing here writes or locks, so nobody should write to the store meanwhile.
 */

import { OmmaError } from '@omma/core';
import type { ByteSource } from '../byteSource.ts';
import { type Archive, type ArchiveEntry, readMember } from './archive.ts';

/** Bytes before the content of a page, or the meta data of the first two. */
const pageHeader = 16;
const magic = 0xbeefc0de;
/** Where the meta data of a store ends. */
const metaEnd = pageHeader + 136;
const noPage = 0xffff_ffff_ffff_ffffn;

const nodeHeader = 8;
const pageFlags = { branch: 0x01, leaf: 0x02 };
const nodeFlags = { bigData: 0x01, subDatabase: 0x02 };
/** What a database may be that has more than one value a key, or keys that are no text. */
const unusualDatabase = 0x7e;
/** Pages that are read side by side, because each may be a request of its own. */
const atOnce = 16;

interface Meta {
  readonly pageBytes: number;
  /** Of the main database; null while it is empty. */
  readonly root: number | null;
  readonly depth: number;
  readonly lastPage: number;
  readonly transaction: bigint;
}

/** True for the first bytes of a store's file. */
export function isLmdb(start: Uint8Array): boolean {
  return start.length >= pageHeader + 4 && viewOf(start).getUint32(pageHeader, true) === magic;
}

/** The values of a store's main database, by key (UTF-8), in the order of the keys. */
export class LmdbArchive implements Archive {
  readonly #source: ByteSource;
  readonly entries: ReadonlyMap<string, ArchiveEntry>;

  private constructor(source: ByteSource, entries: ReadonlyMap<string, ArchiveEntry>) {
    this.#source = source;
    this.entries = entries;
  }

  static async open(source: ByteSource): Promise<LmdbArchive> {
    const meta = await newestMeta(source);
    const needed = (meta.lastPage + 1) * meta.pageBytes;
    if (source.size < needed)
      throw new OmmaError(
        `${source.name} is cut off: its pages reach to ${needed}, the file to ${source.size}; copy it again`,
      );
    const entries = new Map<string, ArchiveEntry>();
    if (meta.root !== null) {
      const walk = new Walk(source, meta, entries);
      await walk.below(await walk.read(meta.root), meta.root, meta.depth);
    }
    return new LmdbArchive(source, entries);
  }

  async read(name: string): Promise<Uint8Array> {
    return readMember(this.#source, this.entries, name);
  }
}

/** Of the two that a store keeps, what the last transaction wrote. */
async function newestMeta(source: ByteSource): Promise<Meta> {
  const first = await metaAt(source, 0);
  const second = await metaAt(source, first.pageBytes);
  return second.transaction > first.transaction ? second : first;
}

async function metaAt(source: ByteSource, offset: number): Promise<Meta> {
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
  return {
    pageBytes,
    root: root === noPage ? null : Number(root),
    depth: view.getUint16(main + 6, true),
    lastPage: Number(view.getBigUint64(main + 48, true)),
    transaction: view.getBigUint64(main + 56, true),
  };
}

/** Goes through the tree of the main database, from left to right. */
class Walk {
  readonly #source: ByteSource;
  readonly #meta: Meta;
  readonly #entries: Map<string, ArchiveEntry>;
  /** Pages that have been read: where there are more than the file has, some point in a circle. */
  #seen = 0;

  constructor(source: ByteSource, meta: Meta, entries: Map<string, ArchiveEntry>) {
    this.#source = source;
    this.#meta = meta;
    this.#entries = entries;
  }

  /** Notes every value below `page`, which is the top of so many levels of the tree. */
  async below(page: DataView, number: number, levels: number): Promise<void> {
    const nodes = this.#nodesOf(page, number);
    if ((page.getUint16(10, true) & pageFlags.leaf) !== 0) {
      for (const at of nodes) this.#note(page, number, at);
      return;
    }
    if (levels <= 1) this.#damaged(number);
    const children = nodes.map(
      // 48 bits, of which a leaf's node has the flags in the upper 16.
      (at) =>
        page.getUint16(at, true) +
        page.getUint16(at + 2, true) * 2 ** 16 +
        page.getUint16(at + 4, true) * 2 ** 32,
    );
    for (let from = 0; from < children.length; from += atOnce) {
      const some = children.slice(from, from + atOnce);
      const pages = await Promise.all(some.map((child) => this.read(child)));
      for (const [i, child] of some.entries()) {
        const found = pages[i];
        if (found !== undefined) await this.below(found, child, levels - 1);
      }
    }
  }

  /** A page of the tree. */
  async read(number: number): Promise<DataView> {
    const { pageBytes, lastPage } = this.#meta;
    if (number > lastPage || this.#seen++ > lastPage) this.#damaged(number);
    const page = viewOf(await this.#source.read(number * pageBytes, pageBytes));
    const flags = page.getUint16(10, true);
    if (Number(page.getBigUint64(0, true)) !== number || (flags & (pageFlags.branch | pageFlags.leaf)) === 0)
      this.#damaged(number);
    return page;
  }

  /** Where on the page its nodes begin, in the order of their keys. */
  #nodesOf(page: DataView, number: number): number[] {
    const lower = page.getUint16(12, true);
    if (lower < pageHeader || lower > page.byteLength) this.#damaged(number);
    return Array.from({ length: (lower - pageHeader) >> 1 }, (_, i) => {
      const at = page.getUint16(pageHeader + 2 * i, true);
      if (at + nodeHeader > page.byteLength) this.#damaged(number);
      return at;
    });
  }

  /** Where the value of a node lies: behind its key, or from the beginning of a page of its own on. */
  #note(page: DataView, number: number, at: number): void {
    const size = page.getUint16(at, true) + page.getUint16(at + 2, true) * 2 ** 16;
    const flags = page.getUint16(at + 4, true);
    const keyBytes = page.getUint16(at + 6, true);
    // Databases inside of this one have names, but are no values.
    if ((flags & nodeFlags.subDatabase) !== 0) return;
    const isBig = (flags & nodeFlags.bigData) !== 0;
    const behind = at + nodeHeader + keyBytes;
    if (behind + (isBig ? 8 : size) > page.byteLength) this.#damaged(number);
    const key = new Uint8Array(page.buffer, page.byteOffset + at + nodeHeader, keyBytes);
    const offset = isBig
      ? Number(page.getBigUint64(behind, true)) * this.#meta.pageBytes + pageHeader
      : number * this.#meta.pageBytes + behind;
    if (offset + size > this.#source.size) this.#damaged(number);
    this.#entries.set(Buffer.from(key).toString('utf8'), { offset, size });
  }

  #damaged(page: number): never {
    throw new OmmaError(
      `${this.#source.name} is damaged, or was written to while it was read: page ${page} is none of its tree; copy it again`,
    );
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
