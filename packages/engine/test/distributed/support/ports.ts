/** Ports and environments for groups of ranks in tests. */

import { createServer } from 'node:net';
import type { DistributedEnvironment } from '../../../src/index.ts';

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

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
