/** From a description of a data set that has travelled to a worker thread back to a data set. */

import { fileURLToPath } from 'node:url';
import { OmmaError } from '@omma/core';
import type { Dataset, DatasetSource } from './types.ts';

/** Opens what `source` describes: a data set, or a part of one. A module in TypeScript is read as a config's is. */
export async function openSource<T = Dataset>({
  module,
  name,
  options,
  imports = [],
}: DatasetSource): Promise<T> {
  for (const each of imports) await importModule(each);
  const exported: unknown = Reflect.get(await importModule(module), name);
  if (typeof exported !== 'function') {
    throw new OmmaError(
      `data loader: ${module} exports no function ${name}; a data set's source() names one that opens it in a worker thread`,
    );
  }
  return exported(options);
}

async function importModule(module: string): Promise<object> {
  if (!/\.[cm]?ts$/.test(module)) return import(module);
  const { createJiti } = await import('jiti');
  return createJiti(import.meta.url).import(fileURLToPath(module));
}
