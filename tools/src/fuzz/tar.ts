/** Tar archives: made, and damaged with their headers' sums put right, so that the damage is reached. */

import { damagedBytes, joined } from './bytes.ts';
import { type Dice, edges } from './dice.ts';

const block = 512;

/** A member with its header; `type` is '0' for a file, 'x' for a pax header, 'L' for a long name. */
export interface TarMember {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly type?: string;
}

export function tarOf(members: readonly TarMember[]): Uint8Array {
  const parts = members.map(({ name, bytes, type = '0' }) => {
    const header = Buffer.alloc(block);
    header.write(name, 'latin1');
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    header.write(type, 156, 'latin1');
    header.write('ustar\0', 257, 'latin1');
    putSum(header);
    return joined(header, bytes, new Uint8Array((block - (bytes.length % block)) % block));
  });
  return joined(...parts, new Uint8Array(2 * block));
}

function putSum(header: Uint8Array): void {
  header.fill(32, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  Buffer.from(header.buffer, header.byteOffset, block).write(`${sum.toString(8).padStart(6, '0')}\0`, 148);
}

/** Where fields of a header begin and end: name, mode, size, type, magic, prefix. */
const fields = [
  [0, 100],
  [100, 108],
  [124, 136],
  [124, 136],
  [156, 157],
  [257, 263],
  [345, 500],
] as const;

/** Members damaged by `damageMember`, headers damaged field by field; now and then members dropped, doubled or swapped. */
export function damagedTar(
  bytes: Uint8Array,
  dice: Dice,
  damageMember: (bytes: Uint8Array, dice: Dice) => Uint8Array,
): Uint8Array {
  const members = membersOf(bytes);
  if (members.length === 0) return damagedBytes(bytes, dice, bytes);
  const at = dice.below(members.length);
  const chosen = members[at] ?? { name: '', bytes: new Uint8Array() };
  if (dice.chance(0.6))
    return tarOf(members.with(at, { ...chosen, bytes: damageMember(chosen.bytes, dice) }));
  if (dice.chance(0.3)) return tarOf(members.toSpliced(at, dice.below(2), dice.pick(members)));
  const result = tarOf(members);
  const starts = [...members.keys()].map((i) => tarOf(members.slice(0, i)).length - 2 * block);
  const header = result.subarray(dice.pick(starts)).subarray(0, block);
  const [from, to] = dice.pick(fields);
  const value = dice.chance(0.5)
    ? Buffer.from(
        Math.abs(dice.pick(edges))
          .toString(8)
          .slice(0, to - from),
      )
    : Buffer.from(Array.from({ length: to - from }, () => dice.below(256)));
  header.set(value, from);
  if (dice.chance(0.95)) putSum(header);
  return dice.chance(0.8) ? result : damagedBytes(result, dice, bytes);
}

/** The members of an archive that `tarOf` made. */
function membersOf(bytes: Uint8Array): TarMember[] {
  const members: TarMember[] = [];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + block <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text.toString('latin1', at + 124, at + 135), 8);
    const name = text.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const begin = at + block;
    const type = String.fromCharCode(bytes[at + 156] ?? 0);
    members.push({ name, type, bytes: bytes.slice(begin, begin + size) });
    at = begin + Math.ceil(size / block) * block;
  }
  return members;
}
