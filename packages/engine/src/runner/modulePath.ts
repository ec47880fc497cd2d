/** Modules that a config names by path. */

import { OmmaError } from '@omma/core';
import { nearest } from '../config/nearest.ts';
import type { TrainableModel } from './model.ts';

/** OmmaError, with the config's key `where` and the nearest path, when `model` has no module `path`. */
export function checkModulePath(model: TrainableModel, path: string, where: string): void {
  const known = model.namedModules().flatMap(([name]) => (name === '' ? [] : [name]));
  if (known.includes(path)) return;
  const close = nearest(path, known);
  throw new OmmaError(
    `${where}: the model has no module ${path}; ${close === null ? `it has ${known.slice(0, 8).join(', ')}, and so on` : `did you mean ${close}?`}`,
  );
}
