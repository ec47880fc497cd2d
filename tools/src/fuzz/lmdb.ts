/** A small LMDB store made by hand, because the library that writes them is not everywhere: a root with two leaves and a value on pages of its own. */

import { damagedFields } from './bytes.ts';
import type { Dice } from './dice.ts';

const pageBytes = 512;
const pages = 7;
const header = 16;
const kinds = { branch: 1, leaf: 2, overflow: 4, meta: 8 } as const;

export interface StoredValue {
  readonly key: string;
  readonly value: Uint8Array;
}

/** What a node begins with: a size or a page in 16-bit pieces, then flags; then its key and what belongs to it. */
interface Node {
  readonly numbers: readonly [number, number, number];
  readonly key: string;
  readonly data: Uint8Array;
}

/** Two values go to the first leaf, the others to the second; `large`, of up to two pages, belongs to the last key. */
export function lmdbOf(values: readonly StoredValue[], large: Uint8Array): Uint8Array {
  const file = new Uint8Array(pageBytes * pages);
  const view = new DataView(file.buffer);
  const page = (number: number, kind: keyof typeof kinds) => {
    view.setBigUint64(number * pageBytes, BigInt(number), true);
    view.setUint16(number * pageBytes + 10, kinds[kind], true);
  };
  for (const number of [0, 1]) {
    page(number, 'meta');
    const at = number * pageBytes + header;
    view.setUint32(at, 0xbeefc0de, true);
    view.setUint32(at + 4, 1, true);
    view.setUint32(at + 24, pageBytes, true);
    // The main database: two levels, its root, then the last page and the transaction.
    view.setUint16(at + 72 + 6, 2, true);
    view.setBigUint64(at + 72 + 40, 2n, true);
    view.setBigUint64(at + 120, BigInt(pages - 1), true);
    view.setBigUint64(at + 128, BigInt(number), true);
  }
  const child = (number: number): Node => ({ numbers: [number, 0, 0], key: '', data: new Uint8Array() });
  const fill = (number: number, nodes: readonly Node[]) => {
    let end = pageBytes;
    nodes.forEach(({ key, numbers, data }, i) => {
      const name = new TextEncoder().encode(key);
      end -= (8 + name.length + data.length + 1) & ~1;
      const at = number * pageBytes + end;
      numbers.forEach((value, k) => {
        view.setUint16(at + 2 * k, value, true);
      });
      view.setUint16(at + 6, name.length, true);
      file.set(name, at + 8);
      file.set(data, at + 8 + name.length);
      view.setUint16(number * pageBytes + header + 2 * i, end, true);
    });
    view.setUint16(number * pageBytes + 12, header + 2 * nodes.length, true);
    view.setUint16(number * pageBytes + 14, end, true);
  };
  const leaf = (number: number, own: readonly StoredValue[]) => {
    page(number, 'leaf');
    const nodes = own.map(({ key, value }): Node => {
      const isLast = key === values.at(-1)?.key;
      const data = isLast ? new Uint8Array(BigUint64Array.of(5n).buffer) : value;
      return { numbers: [isLast ? large.length : value.length, 0, isLast ? 1 : 0], key, data };
    });
    fill(number, nodes);
  };
  page(2, 'branch');
  fill(2, [child(3), child(4)]);
  leaf(3, values.slice(0, 2));
  leaf(4, values.slice(2));
  page(5, 'overflow');
  view.setUint32(5 * pageBytes + 12, 2, true);
  file.set(large, 5 * pageBytes + header);
  return file;
}

/** Fields of a page: its number, flags, bounds or count, and the places of its first nodes. */
const pageFields = [
  [0, 6],
  [10, 2],
  [12, 2],
  [14, 2],
  [12, 4],
  [16, 2],
  [18, 2],
] as const;
/** Of a node: size or page below, flags, bytes of its key. */
const nodeFields = [
  [0, 4],
  [4, 2],
  [6, 2],
] as const;
/** Of the meta data: format, page size, and of the main database its flags, depth and root; the last page. */
const metaFields = [
  [20, 4],
  [40, 4],
  [92, 2],
  [94, 2],
  [128, 6],
  [136, 6],
] as const;

/** Fields of pages, nodes and the meta data set to numbers at the edges. */
export function damagedLmdb(bytes: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places = Array.from({ length: pages }, (_, number) => {
    const page = number * pageBytes;
    const own = number < 2 ? metaFields : pageFields;
    const nodes =
      number < 2 || number > 4 ? [] : [0, 1].map((i) => view.getUint16(page + header + 2 * i, true));
    return [
      ...own.map(([at, width]) => [page + at, width] as const),
      ...nodes.flatMap((node) => nodeFields.map(([at, width]) => [page + node + at, width] as const)),
    ];
  });
  return damagedFields(bytes, places.flat(), dice, other);
}
