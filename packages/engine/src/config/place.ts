/** Places in config files, and their names in messages. */

import { isAbsolute, relative } from 'node:path';

/** A place in a config file. */
export interface ConfigSource {
  readonly file: string;
  /** From 1; absent where the value stands nowhere literally, as one that a TypeScript module computes. */
  readonly line?: number;
}

/** `configs/resnet18.py:12`. Files below the working directory are named relative to it. */
export function placeText({ file, line }: ConfigSource): string {
  const near = relative(process.cwd(), file);
  const name = near === '' || near.startsWith('..') || isAbsolute(near) ? file : near;
  return line === undefined ? name : `${name}:${line}`;
}
