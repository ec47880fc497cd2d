/** Environments for groups of ranks in tests. */

import type { DistributedEnvironment } from '../../../src/index.ts';

export { freePort } from '../../../src/index.ts';

/** Rank `rank` of `size` on this machine; five seconds for everything unless `times` says otherwise. */
export function environment(
  rank: number,
  size: number,
  port: number,
  times: Partial<DistributedEnvironment> = {},
): DistributedEnvironment {
  return {
    launcher: 'torchrun',
    rank,
    size,
    localRank: rank,
    address: '127.0.0.1',
    port,
    connectTimeout: 5000,
    collectiveTimeout: 5000,
    backend: 'auto',
    elastic: true,
    reformTimeout: 5000,
    ...times,
  };
}
