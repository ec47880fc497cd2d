/** Config values in the form in which tools/config-peers/mmengine_configs.py writes MMEngine's. */

import {
  ConfigDict,
  ConfigFloat,
  ConfigSet,
  ConfigTuple,
  type ConfigValue,
  ImportedName,
  Opaque,
} from '@omma/engine';

export type Encoded = null | boolean | string | number | Encoded[];

export function encoded(value: ConfigValue): Encoded {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return ['i', value];
  if (value instanceof ConfigFloat) return ['f', bytesOf(value.value)];
  if (value instanceof ConfigTuple) return ['t', value.items.map(encoded)];
  if (value instanceof ConfigSet) return ['s', inOrder(value.items.map(encoded))];
  if (value instanceof ImportedName) return value.toString();
  if (Array.isArray(value)) return ['l', value.map(encoded)];
  if (value instanceof ConfigDict) {
    const pairs = value.entries().map(([key, entry]) => [encoded(key), encoded(entry.value)]);
    return ['d', inOrder(pairs, (pair) => JSON.stringify(pair[0]))];
  }
  if (value instanceof Opaque) throw new TypeError('the config holds what is no data');
  throw new TypeError(`unknown kind of value: ${String(value)}`);
}

function inOrder<T>(items: readonly T[], textOf: (item: T) => string = (item) => JSON.stringify(item)): T[] {
  return items.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

function bytesOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}

/** The first path at which two encoded values differ, for a message; null where they are equal. */
export function differenceOf(ours: Encoded, theirs: Encoded, path = ''): string | null {
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return null;
  if (!Array.isArray(ours) || !Array.isArray(theirs) || ours.length !== theirs.length)
    return `${path}: ${shown(ours)} instead of ${shown(theirs)}`;
  for (const [i, item] of ours.entries()) {
    const found = differenceOf(item, theirs[i] ?? null, `${path}/${i}`);
    if (found !== null) return found;
  }
  return null;
}

function shown(value: Encoded): string {
  const text = JSON.stringify(value);
  return text.length <= 160 ? text : `${text.slice(0, 157)}...`;
}
