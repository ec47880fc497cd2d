/** `--set a.b=c`: settings from the command line over those of the file. */

import { OmmaError } from '@omma/core';
import { formatPath, formatValue, longestPath, shortened } from './problems.ts';

interface Setting {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  readonly text: string;
}

/**
 * A copy of `config` with each `path=value` applied. The path is written as errors write it: `model.backbone.depth`, `schedule[0].gamma`,
 * `customKeys["backbone.layer1"].lrMult`; `schedule.0.gamma` means the same. The value is JSON where it parses as such, text otherwise. Objects
 * that do not exist yet are created.
 */
export function applyOverrides(config: unknown, settings: readonly string[]): unknown {
  return settings.reduce((result, text) => {
    const setting = parseSetting(text);
    return replaced(result, 0, setting);
  }, config);
}

/** The last of the settings that set what lies at `path`, or with `within` something in it; null for none. */
export function overrideAt(
  settings: readonly string[],
  path: readonly PropertyKey[],
  within = false,
): string | null {
  const reaches = (text: string) => {
    const setting = parseSetting(text).path;
    const shared = Math.min(setting.length, path.length);
    if (setting.length > shared && !within) return false;
    return setting.slice(0, shared).every((key, i) => String(key) === String(path[i]));
  };
  return settings.findLast(reaches) ?? null;
}

const step = /^(?:\.?([^.[\]=]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\])/;

function parseSetting(text: string): Setting {
  const path: (string | number)[] = [];
  let rest = text;
  while (rest !== '' && !rest.startsWith('=')) {
    const match = step.exec(rest);
    if (match === null || (path.length === 0 && rest.startsWith('.'))) throw badSetting(text);
    const [found, key, index, quoted] = match;
    if (quoted !== undefined) path.push(String(parseValue(quoted)));
    else if (index !== undefined) path.push(Number(index));
    else path.push(key ?? '');
    rest = rest.slice(found.length);
  }
  if (path.length === 0 || rest === '') throw badSetting(text);
  return { path, value: parseValue(rest.slice(1)), text };
}

const quoted = (text: string) => shortened(text, longestPath);

function badSetting(text: string): OmmaError {
  return new OmmaError(
    `--set ${quoted(text)}: expected path=value, for example optimWrapper.optimizer.lr=0.05 or paramScheduler[0].gamma=0.2`,
  );
}

function replaced(target: unknown, depth: number, setting: Setting): unknown {
  const { path, value, text } = setting;
  const key = path[depth];
  if (key === undefined) return value;
  if (Array.isArray(target)) {
    const index = Number(key);
    if (Number.isInteger(index) && index >= 0 && index < target.length)
      return target.with(index, replaced(target[index], depth + 1, setting));
    const name = quoted(formatPath(path.slice(0, depth)));
    throw new OmmaError(
      `--set ${quoted(text)}: ${name} is a list of ${target.length} entries, which ${quoted(String(key))} does not index`,
    );
  }
  if (target !== undefined && (typeof target !== 'object' || target === null)) {
    const name = quoted(formatPath(path.slice(0, depth)));
    throw new OmmaError(
      `--set ${quoted(text)}: ${name} is ${formatValue(target)}, which has no ${quoted(String(key))}`,
    );
  }
  if (typeof key === 'number')
    throw new OmmaError(
      `--set ${quoted(text)}: ${quoted(formatPath(path.slice(0, depth)))} is not a list, so [${key}] is not in it`,
    );
  const current: unknown = target === undefined ? undefined : Reflect.get(target, key);
  return { ...target, [key]: replaced(current, depth + 1, setting) };
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
