/** News for a page that reads too slowly. */

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type BoardEvent, RunSet } from '../src/index.ts';
import { Feed } from '../src/server/feed.ts';
import { evaluation, grow, line, start, temporary, writeRun } from './support/logs.ts';

/** More than the sockets between two processes take in. */
const long = 'x'.repeat(16_000_000);

describe('a page that does not read', () => {
  it('gets everything anew when it reads on, and nothing is kept for it until then', async () => {
    const root = temporary();
    const dir = writeRun(root, 'run', start(), line(0, { type: 'failed', message: long }));
    const runs = new RunSet(root);
    await runs.refresh();
    const errors: unknown[] = [];
    const feed = new Feed(runs, (error) => errors.push(error));
    const server = createServer((_request, response) => feed.add(response)).listen(0, '127.0.0.1');
    const asked = once(server, 'request');
    await once(server, 'listening');
    const address = server.address();
    const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1').pause();
    socket.write('GET / HTTP/1.0\r\n\r\n');
    const response: ServerResponse = (await asked)[1];
    const kept = response.writableLength;
    for (const step of [1, 2, 3]) {
      grow(dir, evaluation(step, step));
      await expect.poll(() => runs.run('run')?.state.iteration, { timeout: 5000 }).toBe(step);
    }
    expect(kept).toBeGreaterThan(1_000_000);
    expect(response.writableLength).toBeLessThanOrEqual(kept);

    let text = '';
    const events = (): BoardEvent[] =>
      text
        .split('\n\n')
        .slice(0, -1)
        .flatMap((part) => (part.startsWith('data: ') ? [JSON.parse(part.slice(6))] : []));
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.resume();
    await expect
      .poll(() => events().flatMap((event) => (event.type === 'runs' ? [event.runs[0]?.iteration] : [])), {
        timeout: 5000,
      })
      .toEqual([0, 3]);
    expect(events().every((event) => event.type !== 'runs' || event.anew)).toBe(true);
    socket.destroy();
    feed.close();
    server.close();
    runs.close();
    expect(errors).toEqual([]);
  }, 30_000);
});
