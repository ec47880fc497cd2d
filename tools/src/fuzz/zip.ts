/** Zip archives: made, and damaged in the fields of their directory and headers, where chance alone would rarely hit. */

import { crc32, deflateRawSync } from 'node:zlib';
import { damagedFields, joined } from './bytes.ts';
import type { Dice } from './dice.ts';

export interface ZipFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflated?: boolean;
}

export function zipOf(files: readonly ZipFile[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, deflated = false } of files) {
    const stored = deflated ? deflateRawSync(bytes) : Buffer.from(bytes);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(deflated ? 8 : 0, 4);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(stored.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, Buffer.from(name)]);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, end, Buffer.from(name)]),
    );
    parts.push(local, stored);
    offset += local.length + stored.length;
  }
  const central = Buffer.concat(directory);
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(directory.length, 4);
  tail.writeUInt16LE(directory.length, 6);
  tail.writeUInt32LE(central.length, 8);
  tail.writeUInt32LE(offset, 12);
  return joined(...parts, central, Buffer.from('PK\x05\x06'), tail);
}

/** Fields by the signature of their record: offset from it, and bytes. */
const fields: Readonly<Record<string, readonly (readonly [number, 2 | 4])[]>> = {
  '504b0304': [
    [6, 2],
    [8, 2],
    [18, 4],
    [22, 4],
    [26, 2],
    [28, 2],
  ],
  '504b0102': [
    [8, 2],
    [10, 2],
    [16, 4],
    [20, 4],
    [24, 4],
    [28, 2],
    [30, 2],
    [32, 2],
    [42, 4],
  ],
  '504b0506': [
    [8, 2],
    [10, 2],
    [12, 4],
    [16, 4],
    [20, 2],
  ],
};

/** One or a few fields of records set to numbers at the edges; now and then bytes damaged anywhere. */
export function damagedZip(bytes: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array {
  const whole = Buffer.from(bytes);
  const known = Object.entries(fields).flatMap(([signature, offsets]) => {
    const places = placesOf(whole, Buffer.from(signature, 'hex'));
    return places.flatMap((at) => offsets.map(([offset, width]) => [at + offset, width] as const));
  });
  return damagedFields(bytes, known, dice, other);
}

function placesOf(bytes: Buffer, signature: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(signature); at >= 0; at = bytes.indexOf(signature, at + 1)) places.push(at);
  return places;
}
