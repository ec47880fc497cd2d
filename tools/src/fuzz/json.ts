/** Damage to plain data: values replaced by others and by edges, keys renamed, dropped, doubled, structures nested and swapped. */

import { type Dice, edges } from './dice.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const words = [
  '',
  'type',
  'ResNet',
  '__proto__',
  'constructor',
  'toString',
  'length',
  '../..',
  '\u0000',
  '\ud800',
  'ü',
  'F32',
  'a.b',
  '-1',
  'NaN',
  '$1',
  '{{x}}',
];

function anything(dice: Dice): Json {
  switch (dice.below(8)) {
    case 0:
      return null;
    case 1:
      return dice.chance(0.5);
    case 2:
      return dice.pick(edges);
    case 3:
      return dice.share() * 10 ** (dice.below(40) - 20);
    case 4:
      return dice.pick(words);
    case 5:
      return [];
    case 6:
      return {};
    default:
      return nested(dice.chance(0.1) ? 2000 : 5);
  }
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** A copy of `value` in which about `count` places are damaged. */
export function damagedJson(value: Json, dice: Dice, count = 1 + dice.below(3)): Json {
  const share = Math.min(0.5, count / Math.max(1, places(value)));
  return walked(value, dice, share);
}

function places(value: Json): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + places(item), 1);
  if (typeof value === 'object' && value !== null)
    return Object.values(value).reduce<number>((sum, item) => sum + places(item), 1);
  return 1;
}

function walked(value: Json, dice: Dice, share: number): Json {
  if (dice.chance(share)) return replaced(value, dice);
  if (Array.isArray(value)) return value.map((item) => walked(item, dice, share));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, item]): [string, Json][] => {
    if (!dice.chance(share)) return [[key, walked(item, dice, share)]];
    const name = dice.chance(0.5) ? dice.pick(words) : `${key}${dice.pick(['s', '_', ' ', '.x'])}`;
    return dice.pick<[string, Json][]>([
      [],
      [[name, item]],
      [
        [key, item],
        [name, item],
      ],
      [[key, anything(dice)]],
    ]);
  });
  return Object.fromEntries(entries);
}

function replaced(value: Json, dice: Dice): Json {
  if (typeof value === 'number' && dice.chance(0.6)) return dice.chance(0.5) ? dice.pick(edges) : -value;
  if (typeof value === 'string' && dice.chance(0.5)) return value + dice.pick(words);
  if (Array.isArray(value) && value.length > 0 && dice.chance(0.7))
    return dice.pick([[...value, ...value], value.slice(1), [...value].reverse(), [value]]);
  return anything(dice);
}
