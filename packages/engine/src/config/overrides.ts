/** `--set a.b=c`: settings from the command line over those of the file. */

import { OmmaError } from '@omma/core';

/**
 * A copy of `config` with each `path=value` applied. The value is JSON where it parses as such, text otherwise; numbers in the path
 * index arrays (`pipeline.0.scale=96`); objects that do not exist yet are created.
 */
export function applyOverrides(config: unknown, settings: readonly string[]): unknown {
  return settings.reduce((result, setting) => {
    const equals = setting.indexOf('=');
    if (equals < 1)
      throw new OmmaError(
        `--set ${setting}: expected path=value, for example optimWrapper.optimizer.lr=0.05`,
      );
    const path = setting.slice(0, equals).split('.');
    return replaced(result, path, parseValue(setting.slice(equals + 1)), setting);
  }, config);
}

function replaced(
  target: unknown,
  [key, ...rest]: readonly string[],
  value: unknown,
  setting: string,
): unknown {
  if (key === undefined) return value;
  if (Array.isArray(target)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= target.length) {
      throw new OmmaError(`--set ${setting}: ${key} does not index a list of ${target.length} entries`);
    }
    return target.with(index, replaced(target[index], rest, value, setting));
  }
  if (target !== undefined && (typeof target !== 'object' || target === null)) {
    throw new OmmaError(
      `--set ${setting}: ${key} lies below ${JSON.stringify(target)}, which is not an object`,
    );
  }
  const current: unknown = target === undefined ? undefined : Reflect.get(target, key);
  return { ...target, [key]: replaced(current, rest, value, setting) };
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
