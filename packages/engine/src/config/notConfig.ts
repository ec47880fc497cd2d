/** What a file is that was given in place of a config, and which command takes it. By its name: nothing of it is read. */

import { statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { OmmaError } from '@omma/core';
import { placeText } from './place.ts';

const expected = 'expected a config (.ts, .js, .json, .yaml or .py), found';

/** The error for a path that no reader of configs is for. */
export function notConfig(path: string): OmmaError {
  const name = placeText({ file: path });
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return new OmmaError(`${name}: cannot read the config (ENOENT); check the path`);
  if (info.isDirectory()) return new OmmaError(`${name}: ${expected} a folder; ${configIn(path, name)}`);
  const extension = extname(path).toLowerCase();
  if (['.safetensors', '.pth', '.pt', '.ckpt'].includes(extension))
    return new OmmaError(`${name}: ${expected} weights; \`omma checkpoint inspect ${name}\` looks into them`);
  if (['.onnx', '.om'].includes(extension))
    return new OmmaError(
      `${name}: ${expected} an exported model; configs are what models are trained and exported by`,
    );
  if (['.jpg', '.jpeg', '.png', '.webp'].includes(extension))
    return new OmmaError(`${name}: ${expected} a picture; \`omma predict CHECKPOINT ${name}\` classifies it`);
  const found = extension === '' ? 'a file without extension' : extension;
  return new OmmaError(`${name}: ${expected} ${found}; name the config file`);
}

/** Work directories have the config of their run. */
function configIn(folder: string, name: string): string {
  const own = statSync(join(folder, 'config.json'), { throwIfNoEntry: false });
  return own?.isFile() === true
    ? `it is a work directory, whose run had the config ${join(name, 'config.json')}`
    : 'name a file in it';
}
