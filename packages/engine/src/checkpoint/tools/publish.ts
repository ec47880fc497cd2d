/** What MMEngine's `publish_model` does: weights without the state of the run, named by the first eight digits of their file's SHA-256. */

import { basename, dirname, extname, join } from 'node:path';
import { fileName, isRemote } from '@omma/storage';
import { type Converted, type ConvertOptions, convertWeights } from './convert.ts';

/** Writes `STEM-12345678.EXT`, from `output`'s stem and extension; by default beside the input, for an address in the current folder. */
export function publishWeights(
  input: string,
  output: string | undefined,
  options: Omit<ConvertOptions, 'publish' | 'nameBy'>,
): Promise<Converted> {
  const target = output ?? (isRemote(input) ? fileName(input) : input);
  const extension = extname(target);
  const stem = join(dirname(target), basename(target, extension));
  return convertWeights(input, target, {
    ...options,
    publish: true,
    nameBy: (sha256) => `${stem}-${sha256.slice(0, 8)}${extension}`,
  });
}
