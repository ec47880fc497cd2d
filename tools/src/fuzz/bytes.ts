/** Damage that knows nothing of a format: bits, bytes, numbers, cuts, copies, pieces of another file. */

import { type Dice, edges } from './dice.ts';

/** Files do not grow beyond this by being damaged. */
const maxBytes = 1 << 20;

type Damage = (bytes: Uint8Array, dice: Dice, other: Uint8Array) => Uint8Array;

const flip: Damage = (bytes, dice) => {
  const at = dice.below(bytes.length);
  const result = bytes.slice();
  result[at] = (result[at] ?? 0) ^ (1 << dice.below(8));
  return result;
};

const set: Damage = (bytes, dice) => {
  const result = bytes.slice();
  result[dice.below(bytes.length)] = dice.below(256);
  return result;
};

/** A number of 2, 4 or 8 bytes becomes one at an edge. */
const number: Damage = (bytes, dice) => {
  const width = dice.pick([2, 4, 8]);
  if (bytes.length < width) return bytes;
  const result = bytes.slice();
  const at = dice.below(bytes.length - width + 1);
  const value = BigInt.asUintN(64, BigInt(dice.pick(edges)));
  for (let i = 0; i < width; i++) result[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return result;
};

const cut: Damage = (bytes, dice) => bytes.slice(0, dice.below(bytes.length));

const remove: Damage = (bytes, dice) => {
  const at = dice.below(bytes.length);
  const end = Math.min(bytes.length, at + 1 + dice.below(dice.chance(0.5) ? 8 : bytes.length));
  return joined(bytes.subarray(0, at), bytes.subarray(end));
};

const repeat: Damage = (bytes, dice) => {
  const at = dice.below(bytes.length);
  const piece = bytes.subarray(at, at + 1 + dice.below(dice.chance(0.7) ? 16 : 1024));
  const copies = Array.from({ length: dice.chance(0.9) ? 1 : 200 }, () => piece);
  return joined(bytes.subarray(0, at), ...copies, bytes.subarray(at));
};

const splice: Damage = (bytes, dice, other) => {
  const from = dice.below(other.length);
  const piece = other.subarray(from, from + 1 + dice.below(Math.min(512, other.length)));
  const at = dice.below(bytes.length);
  return joined(bytes.subarray(0, at), piece, bytes.subarray(dice.chance(0.5) ? at : at + piece.length));
};

const damages = [flip, flip, set, number, number, cut, remove, repeat, splice];

/** `bytes` with one to a few kinds of damage; `other` is where foreign pieces come from. */
export function damagedBytes(bytes: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array {
  let result = bytes;
  for (let left = 1 + dice.below(4); left > 0 && result.length > 0; left--) {
    const next = dice.pick(damages)(result, dice, other);
    if (next.length <= maxBytes) result = next;
  }
  return result;
}

/** One or a few fields, each at a place and of so many bytes, set to numbers at the edges or near what they were; now and then bytes damaged anywhere. */
export function damagedFields(
  bytes: Uint8Array,
  fields: readonly (readonly [at: number, width: number])[],
  dice: Dice,
  other: Uint8Array,
): Uint8Array {
  const result = Buffer.from(bytes);
  const sound = fields.filter(([at, width]) => at + width <= result.length);
  if (sound.length === 0 || dice.chance(0.3)) return damagedBytes(bytes, dice, other);
  for (let left = 1 + dice.below(3); left > 0; left--) {
    const [at, width] = dice.pick(sound);
    const near = result.readUIntLE(at, width) + dice.pick([-1, 1, 30, -30]);
    const value = dice.chance(0.5) ? dice.pick(edges) : near;
    result.writeUIntLE(Number(BigInt.asUintN(8 * width, BigInt(value))), at, width);
  }
  return dice.chance(0.8) ? result : damagedBytes(result, dice, other);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
