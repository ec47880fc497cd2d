/** What training cannot do without, of a config. */

import { OmmaError } from '@omma/core';
import type { Config } from '../config/types.ts';

const needed = ['trainDataloader', 'trainConfig', 'optimWrapper'] as const;

/** OmmaError with everything that is missing. */
export function required({
  trainDataloader,
  trainConfig,
  optimWrapper,
}: Config): Required<Pick<Config, (typeof needed)[number]>> {
  if (trainDataloader !== undefined && trainConfig !== undefined && optimWrapper !== undefined)
    return { trainDataloader, trainConfig, optimWrapper };
  const given = { trainDataloader, trainConfig, optimWrapper };
  const missing = needed.filter((name) => given[name] === undefined);
  throw new OmmaError(
    `train: the config has no ${missing.join(', ')}; add ${missing.length === 1 ? 'it' : 'them'}`,
  );
}
