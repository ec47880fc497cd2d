/** A port for rank 0 to listen on. */

import { createServer } from 'node:net';

/** A port of `address` on which nobody listens at this moment. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, address, resolve);
  });
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (bound === null || typeof bound === 'string') throw new Error(`no port of ${address} was given`);
  return bound.port;
}
