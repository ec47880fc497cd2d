/** From a description of a data set that has travelled to a worker thread back to a data set. */

import { fileURLToPath } from 'node:url';
import { OmmaError } from '@omma/core';
import { createJiti } from 'jiti';
import type { Dataset, DatasetSource } from './types.ts';

/** Opens what `source` describes. A module in TypeScript is read as a config's is. */
export async function openSource({ module, name, options }: DatasetSource): Promise<Dataset> {
  const exported: unknown = Reflect.get(await importModule(module), name);
  if (typeof exported !== 'function') {
    throw new OmmaError(
      `data loader: ${module} exports no function ${name}; a data set's source() names one that opens it in a worker thread`,
    );
  }
  return exported(options);
}

function importModule(module: string): Promise<object> {
  if (!/\.[cm]?ts$/.test(module)) return import(module);
  return createJiti(import.meta.url).import(fileURLToPath(module));
}
