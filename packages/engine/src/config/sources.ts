/** Where a value of a config comes from, in words. */

import type { ConfigSource } from './place.ts';
import { ConfigDict, type ConfigEntry, ConfigTuple, type ConfigValue } from './value.ts';

/** The entry that lies at `path`, or as far down the path as there are entries; null for none. */
function entryAt(
  root: ConfigValue,
  path: readonly PropertyKey[],
): { value?: ConfigValue; source: ConfigSource | null } {
  let value: ConfigValue | undefined = root;
  let source: ConfigSource | null = null;
  for (const key of path) {
    if (value instanceof ConfigDict) {
      const entry: ConfigEntry | undefined = value.entry(String(key)) ?? value.entry(Number(key));
      value = entry?.value;
      source = entry?.source ?? source;
    } else if (Array.isArray(value)) value = value[Number(key)];
    else if (value instanceof ConfigTuple) value = value.items[Number(key)];
    else value = undefined;
  }
  return value === undefined ? { source } : { value, source };
}

/** The place that set what lies at `path`: that of its nearest dict entry. Null for the config itself. */
export function sourceAt(root: ConfigValue, path: readonly PropertyKey[]): ConfigSource | null {
  return entryAt(root, path).source;
}

/** What lies at `path`, keys of dicts and indices of lists; undefined for nothing. */
export function valueAt(root: ConfigValue, path: readonly PropertyKey[]): ConfigValue | undefined {
  return entryAt(root, path).value;
}
