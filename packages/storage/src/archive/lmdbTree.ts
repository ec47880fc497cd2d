/**
 * The tree of an LMDB store's main database, level by level: the pages of a level are known before they are read, so those near each other are read
 * together, in the order of the file and not of the keys. The layout is that of mdb.c's MDB_page and MDB_node.
 */

import { OmmaError } from '@omma/core';
import type { ByteSource } from '../byteSource.ts';
import { readRanges } from '../ranges.ts';
import type { ArchiveEntry, ArchiveProgress } from './archive.ts';

/** Bytes before the content of a page. */
export const pageHeader = 16;
export const pageFlags = { branch: 0x01, leaf: 0x02, overflow: 0x04 } as const;

const nodeHeader = 8;
const nodeFlags = { bigData: 0x01, subDatabase: 0x02 };
/** The first two pages have the meta data. */
const firstPage = 2;

/** What the last transaction left. */
export interface LmdbMeta {
  readonly pageBytes: number;
  /** Of the main database; null while it is empty. */
  readonly root: number | null;
  /** Levels of its tree. */
  readonly depth: number;
  readonly lastPage: number;
  readonly transaction: bigint;
}

export class LmdbTree {
  readonly #source: ByteSource;
  readonly #meta: LmdbMeta;
  /** Pages that are known of: where there are more than the file has, some point in a circle. */
  #known = 1;

  constructor(source: ByteSource, meta: LmdbMeta) {
    this.#source = source;
    this.#meta = meta;
  }

  /** Where each value lies, in the order of the keys. All branches of a tree are of the same length. */
  async entries(root: number, onProgress?: ArchiveProgress): Promise<Map<string, ArchiveEntry>> {
    let level = [root];
    for (let above = 1; above < this.#meta.depth; above++)
      level = (
        await this.#each(level, pageFlags.branch, (page, number) => this.#children(page, number))
      ).flat();
    const valuesOf = (page: DataView, number: number) => this.#values(page, number);
    const leaves = await this.#each(level, pageFlags.leaf, valuesOf, onProgress);
    return new Map(leaves.flat());
  }

  /** What `read` finds on each of these pages, which are of this kind. */
  async #each<T>(
    numbers: readonly number[],
    kind: number,
    read: (page: DataView, number: number) => T,
    onProgress?: ArchiveProgress,
  ): Promise<T[]> {
    const { pageBytes, lastPage } = this.#meta;
    const wrong = numbers.find((number) => number < firstPage || number > lastPage);
    if (wrong !== undefined) throw damagedPage(this.#source, wrong);
    const found: T[] = [];
    const ranges = numbers.map((number) => ({ offset: number * pageBytes, length: pageBytes }));
    const take = (place: number, bytes: Uint8Array): void => {
      const number = numbers[place] ?? 0;
      const page = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      found[place] = read(requirePage(this.#source, page, number, kind), number);
    };
    await readRanges(this.#source, ranges, take, onProgress);
    return found;
  }

  /** The pages below a branch: 48 bits, of which a leaf's node has the flags in the upper 16. */
  #children(page: DataView, number: number): number[] {
    const nodes = this.#nodes(page, number, () => 0);
    this.#known += nodes.length;
    if (this.#known > this.#meta.lastPage) throw damagedPage(this.#source, number);
    return nodes.map(
      (at) =>
        page.getUint16(at, true) +
        page.getUint16(at + 2, true) * 2 ** 16 +
        page.getUint16(at + 4, true) * 2 ** 32,
    );
  }

  /** The values of a leaf: each behind its key, or from the beginning of pages of its own on. */
  #values(page: DataView, number: number): (readonly [string, ArchiveEntry])[] {
    const { pageBytes, lastPage } = this.#meta;
    const sizeOf = (at: number) => page.getUint16(at, true) + page.getUint16(at + 2, true) * 2 ** 16;
    const flagsOf = (at: number) => page.getUint16(at + 4, true);
    const isBig = (at: number) => (flagsOf(at) & nodeFlags.bigData) !== 0;
    const nodes = this.#nodes(page, number, (at) => (isBig(at) ? 8 : sizeOf(at)));
    // Databases inside of this one have names, but are no values.
    const values = nodes.filter((at) => (flagsOf(at) & nodeFlags.subDatabase) === 0);
    return values.map((at) => {
      const keyBytes = page.getUint16(at + 6, true);
      const behind = at + nodeHeader + keyBytes;
      const size = sizeOf(at);
      const key = Buffer.from(page.buffer, page.byteOffset + at + nodeHeader, keyBytes).toString('utf8');
      if (!isBig(at)) return [key, { offset: number * pageBytes + behind, size }];
      const first = Number(page.getBigUint64(behind, true));
      const pages = Math.ceil((pageHeader + size) / pageBytes);
      if (first < firstPage || first + pages - 1 > lastPage) throw damagedPage(this.#source, number);
      return [key, { offset: first * pageBytes + pageHeader, size }];
    });
  }

  /** Where the nodes of a page begin, in the order of their keys. Nodes that overlap would make more of a file than it has. */
  #nodes(page: DataView, number: number, dataBytes: (at: number) => number): number[] {
    const lower = page.getUint16(12, true);
    if (lower < pageHeader || lower > page.byteLength) throw damagedPage(this.#source, number);
    let left = page.byteLength - lower;
    return Array.from({ length: (lower - pageHeader) >> 1 }, (_, i) => {
      const at = page.getUint16(pageHeader + 2 * i, true);
      if (at < lower || at + nodeHeader > page.byteLength) throw damagedPage(this.#source, number);
      const bytes = nodeHeader + page.getUint16(at + 6, true) + dataBytes(at);
      left -= bytes;
      if (left < 0 || at + bytes > page.byteLength) throw damagedPage(this.#source, number);
      return at;
    });
  }
}

/** Refuses a page that is not the one with this number, or not of this kind. */
export function requirePage(source: ByteSource, page: DataView, number: number, kind: number): DataView {
  const isOther = Number(page.getBigUint64(0, true)) !== number || (page.getUint16(10, true) & kind) === 0;
  if (isOther) throw damagedPage(source, number);
  return page;
}

function damagedPage({ name }: ByteSource, page: number): OmmaError {
  return new OmmaError(
    `${name} is damaged, or was written to while it was read: page ${page} is none of its tree; copy it again`,
  );
}
