/** Runs side by side: where their configs differ. */

import type { ConfigRow } from '../api.ts';
import type { Run } from './run.ts';

/** Every key of the configs, flat, in the order of the first config that has it. */
export function compareConfigs(runs: readonly Run[]): ConfigRow[] {
  const flat = runs.map((run) => flatten(run.state.config));
  const keys = new Set(flat.flatMap((config) => [...config.keys()]));
  return [...keys].map((key) => {
    const values = flat.map((config) => config.get(key) ?? null);
    // A log that does not say its config differs in nothing.
    const said = values.filter((_, i) => flat[i]?.size !== 0);
    return { key, values, differs: new Set(said).size > 1 };
  });
}

/** `{ a: { b: 1 } }` to `a.b` and `1`; lists of plain values stay together. */
function flatten(value: unknown, prefix = '', into = new Map<string, string>()): Map<string, string> {
  const plain = (entry: unknown) => typeof entry !== 'object' || entry === null;
  if (plain(value) || (Array.isArray(value) && value.every(plain))) {
    if (prefix !== '') into.set(prefix, JSON.stringify(value) ?? String(value));
    return into;
  }
  for (const [key, entry] of Object.entries(value ?? {})) {
    const part = Array.isArray(value) ? `[${key}]` : prefix === '' ? key : `.${key}`;
    flatten(entry, `${prefix}${part}`, into);
  }
  return into;
}
