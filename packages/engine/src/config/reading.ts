/** What the reading of one config shares across its files: bounds, the chain of bases, and how a base is found. */

import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { OmmaError } from '@omma/core';
import { Budget } from './budget.ts';
import { mergingCopy, sharedKeys } from './merge.ts';
import { type ConfigSource, placeText } from './place.ts';
import { ConfigDict, ConfigTuple, type ConfigValue } from './value.ts';

export interface ReadOptions {
  /** Folders with OpenMMLab's packages (Python's site-packages), for bases such as `mmdet::_base_/default_runtime.py`. */
  readonly packageFolders?: readonly string[];
  /** Told about what is read but deprecated. */
  readonly onWarning?: (message: string) => void;
}

/** OpenMMLab's largest config has 60 kB. */
const mostBytes = 1 << 20;

export class Reading {
  readonly budget: Budget;
  readonly packageFolders: readonly string[];
  readonly #onWarning: (message: string) => void;
  /** The files being read, each the base of the one before it. */
  readonly #chain: string[] = [];

  constructor({ packageFolders = [], onWarning }: ReadOptions) {
    this.budget = new Budget();
    this.packageFolders = packageFolders.map((folder) => resolve(folder));
    this.#onWarning = onWarning ?? (() => undefined);
  }

  warn(message: string): void {
    this.#onWarning(message);
  }

  /** Runs `body` on the text of a file. Throws for one that is among its own bases, cannot be read, or is too large. */
  async withFile<Result>(
    path: string,
    from: ConfigSource | null,
    body: (text: string) => Promise<Result>,
  ): Promise<Result> {
    this.budget.file({ file: path });
    if (this.#chain.includes(path)) {
      const circle = [...this.#chain.slice(this.#chain.indexOf(path)), path].map((file) =>
        placeText({ file }),
      );
      throw new OmmaError(
        `${circle[0]}: the config is its own base (${circle.join(' -> ')}); break the circle`,
      );
    }
    const text = await readText(path, from);
    this.#chain.push(path);
    try {
      return await body(text);
    } finally {
      this.#chain.pop();
    }
  }
}

async function readText(path: string, from: ConfigSource | null): Promise<string> {
  const named = from === null ? '' : `, named at ${placeText(from)}`;
  const name = placeText({ file: path });
  const failed = (error: NodeJS.ErrnoException) => {
    throw new OmmaError(
      `${name}: cannot read the config (${error.code ?? error.message})${named}; check the path`,
    );
  };
  const info = await stat(path).catch(failed);
  if (!info.isFile()) throw new OmmaError(`${name}: expected a config file, not a folder or device${named}`);
  if (info.size > mostBytes)
    throw new OmmaError(`${name}: expected a config of at most ${mostBytes} bytes, not ${info.size}${named}`);
  return await readFile(path, 'utf8').catch(failed);
}

/** A base as a file names it: its path, and the package it lies in when that is another one. */
export interface BasePath {
  readonly path: string;
  /** Null for a base beside the file. */
  readonly scope: string | null;
}

/** The paths in `_base_` or `extends`: a text or a list of texts. */
export function basePaths(value: ConfigValue, source: ConfigSource, reading: Reading): BasePath[] {
  const names = Array.isArray(value) ? value : value instanceof ConfigTuple ? value.items : [value];
  return names.map((name) => {
    if (typeof name === 'string' && name !== '') return basePath(name, source, reading);
    throw new OmmaError(`${placeText(source)}: a base is the path of a config file, or a list of such paths`);
  });
}

function basePath(name: string, source: ConfigSource, reading: Reading): BasePath {
  const [scope = '', path] = name.split('::');
  if (path === undefined)
    return { path: isAbsolute(name) ? name : join(dirname(source.file), name), scope: null };
  const [folder] = reading.packageFolders;
  if (folder === undefined)
    throw new OmmaError(
      `${placeText(source)}: the base ${name} lies in the Python package ${scope}; tell where packages are (--package-path), or copy the file`,
    );
  return { path: join(folder, scope, '.mim', 'configs', path), scope };
}

/** All bases in one dict. Throws when two of them have the same key. */
export async function joinBases(
  bases: readonly BasePath[],
  source: ConfigSource,
  reading: Reading,
  read: (path: string, from: ConfigSource) => Promise<ConfigDict>,
): Promise<ConfigDict> {
  const joined = new ConfigDict(reading.budget);
  for (const { path, scope } of bases) {
    const base = await read(path, source);
    const shared = sharedKeys(joined, base);
    const [first] = shared;
    if (first !== undefined) {
      const places = [joined, base].map((dict) => placeText(dict.entry(first)?.source ?? source));
      throw new OmmaError(
        `${placeText(source)}: two bases have the same key: ${shared.join(', ')} (${places.join(' and ')}); leave it to one of them`,
      );
    }
    const where = { file: path };
    for (const [key, entry] of base.entries())
      joined.set(key, mergingCopy(entry.value, reading.budget, where, scope), entry.source);
  }
  return joined;
}
