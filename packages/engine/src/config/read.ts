/** Config files of every format, with what they inherit merged in. Nothing is checked here: see schema.ts and load.ts. */

import { extname, resolve } from 'node:path';
import { OmmaError } from '@omma/core';
import { parseData } from './data.ts';
import { merge } from './merge.ts';
import { moduleExtensions, readModule } from './modules.ts';
import { notConfig } from './notConfig.ts';
import { isOpenMMLab, translatedWhole } from './openmmlab/translate.ts';
import { type ConfigSource, placeText } from './place.ts';
import { readPython, warnOfDeprecation } from './python/read.ts';
import { basePaths, joinBases, Reading, type ReadOptions } from './reading.ts';
import { ConfigDict } from './value.ts';
import { replaceBaseValues, replaceVariables } from './variables.ts';

/** Keys that MMEngine's Config keeps for itself. */
const reservedKeys = ['filename', 'text', 'pretty_text', 'env_variables'];

const readers: Readonly<
  Record<string, (path: string, from: ConfigSource | null, reading: Reading) => Promise<ConfigDict>>
> = {
  '.py': (path, from, reading) => readPython(path, from, reading, readRaw),
  '.json': (path, from, reading) => readData(path, from, reading, 'json'),
  '.yaml': (path, from, reading) => readData(path, from, reading, 'yaml'),
  '.yml': (path, from, reading) => readData(path, from, reading, 'yaml'),
  ...Object.fromEntries(moduleExtensions.map((extension) => [extension, readTypeScript])),
};

/** A config file, merged with its bases, each value with the place that set it. */
export async function readConfigFile(file: string, options: ReadOptions = {}): Promise<ConfigDict> {
  const config = await readRaw(resolve(file), null, new Reading(options));
  const reserved = reservedKeys.find((key) => config.has(key));
  const source = reserved === undefined ? undefined : config.entry(reserved)?.source;
  if (source !== undefined)
    throw new OmmaError(
      `${placeText(source)}: ${reserved} is a name that OpenMMLab keeps for itself; take another`,
    );
  return config;
}

async function readRaw(path: string, from: ConfigSource | null, reading: Reading): Promise<ConfigDict> {
  const extension = extname(path);
  const reader = readers[extension];
  if (reader !== undefined) return await reader(path, from, reading);
  throw notConfig(path);
}

function readData(
  path: string,
  from: ConfigSource | null,
  reading: Reading,
  format: 'json' | 'yaml',
): Promise<ConfigDict> {
  return reading.withFile(path, from, async (text) => {
    const own = parseData(replaceVariables(text, path), path, format, reading.budget);
    warnOfDeprecation(own, path, reading);
    return await withBases(own, path, reading);
  });
}

function readTypeScript(path: string, from: ConfigSource | null, reading: Reading): Promise<ConfigDict> {
  return reading.withFile(path, from, async (text) =>
    withBases(await readModule(path, text, reading.budget), path, reading),
  );
}

/** A base that `extends` names: in Omma's terms, whatever it is written in. */
async function readOwn(path: string, from: ConfigSource | null, reading: Reading): Promise<ConfigDict> {
  const base = await readRaw(path, from, reading);
  return isOpenMMLab(base) ? translatedWhole(base, path) : base;
}

/** What `extends` or `_base_` names, with the file's own values merged into it. */
async function withBases(own: ConfigDict, path: string, reading: Reading): Promise<ConfigDict> {
  const names = ['extends', '_base_'].filter((key) => own.has(key));
  const [name, second] = names;
  if (name === undefined) return own;
  const entry = own.entry(name);
  if (second !== undefined || entry === undefined)
    throw new OmmaError(`${placeText({ file: path })}: expected extends or _base_, not both`);
  own.delete(name);
  const source = { ...entry.source, file: path };
  const bases = basePaths(entry.value, source, reading);
  const read = name === 'extends' ? readOwn : readRaw;
  const base = await joinBases(bases, source, reading, (file, by) => read(file, by, reading));
  const values = replaceBaseValues(own, base);
  return merge(values instanceof ConfigDict ? values : own, base, reading.budget);
}
