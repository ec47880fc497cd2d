/**
 * The one merge rule, OpenMMLab's: a dict is merged into the base's dict key by key, anything else replaces what the base has, and a
 * dict with `_delete_: true` replaces the base's dict.
 *
 * Follows `Config._merge_a_into_b` of MMEngine 0.10, also in that a `_delete_` stays where the base had nothing to delete.
 */

import { OmmaError } from '@omma/core';
import { type Budget, checkDepth } from './budget.ts';
import { type ConfigSource, placeText } from './place.ts';
import { ConfigDict, type ConfigKey, ConfigTuple, type ConfigValue, kindOf } from './value.ts';

export const deleteKey = '_delete_';

/** `child` over `base`; neither is changed. */
export function merge(child: ConfigDict, base: ConfigDict, budget: Budget, path = '', depth = 0): ConfigDict {
  const result = base.copy();
  for (const [key, { value, source }] of child.entries()) {
    budget.spend(1, source);
    checkDepth(depth, source);
    const old = result.get(key);
    if (!(value instanceof ConfigDict) || old === undefined) {
      result.set(key, value, source);
      continue;
    }
    const below = path === '' ? String(key) : `${path}.${key}`;
    const own = value.copy();
    own.delete(deleteKey);
    if (asksToDelete(value)) result.set(key, own, source);
    else if (old instanceof ConfigDict) result.set(key, merge(own, old, budget, below, depth + 1), source);
    else throw mismatch(below, old, source, result.entry(key)?.source);
  }
  return result;
}

/** True when the dict is to replace that of the base. */
export function asksToDelete(value: ConfigDict): boolean {
  const wanted = value.get(deleteKey) ?? false;
  return wanted !== false && wanted !== 0 && wanted !== null;
}

function mismatch(
  path: string,
  old: ConfigValue,
  source: ConfigSource,
  oldSource: ConfigSource | undefined,
): OmmaError {
  const from = oldSource === undefined ? '' : ` (${placeText(oldSource)})`;
  return new OmmaError(
    `${placeText(source)}: ${path} is a dict but a ${kindOf(old)} in the base${from}; add ${deleteKey} to replace it`,
  );
}

/** A deep copy in which every dict is a merging one, as MMEngine makes of a base file's values. */
export function mergingCopy(
  value: ConfigValue,
  budget: Budget,
  where: ConfigSource,
  scope: string | null = null,
  depth = 0,
): ConfigValue {
  budget.spend(1, where);
  checkDepth(depth, where);
  const copy = (inner: ConfigValue, innerScope = scope) =>
    mergingCopy(inner, budget, where, innerScope, depth + 1);
  if (Array.isArray(value)) return value.map((item) => copy(item));
  if (value instanceof ConfigTuple) return new ConfigTuple(value.items.map((item) => copy(item)));
  return value instanceof ConfigDict ? mergingDict(value, copy, scope, budget) : value;
}

/** The outermost dict with a `type` of a base that lies in another package is told its `_scope_`. */
function mergingDict(
  value: ConfigDict,
  copy: (inner: ConfigValue, scope: string | null) => ConfigValue,
  scope: string | null,
  budget: Budget,
): ConfigDict {
  const result = new ConfigDict(budget);
  const typed = scope !== null && value.has('type');
  for (const [key, { value: inner, source }] of value.entries())
    result.set(key, copy(inner, typed ? null : scope), source);
  const typeSource = value.entry('type')?.source;
  if (typed && typeSource !== undefined && (value.get('_scope_') ?? null) === null)
    result.set('_scope_', scope, typeSource);
  return result;
}

/** The keys that two bases both have: OpenMMLab refuses them, since it could not be told which one wins. */
export function sharedKeys(a: ConfigDict, b: ConfigDict): ConfigKey[] {
  return b.keys().filter((key) => a.has(key));
}
