/** The board's server over HTTP: what it answers, and what it does not hand out. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Board,
  type BoardEvent,
  type CurveData,
  type LogTail,
  RunSet,
  serveBoard,
} from '../src/index.ts';
import { evaluation, grow, image, iterations, start, temporary, writeRun } from './support/logs.ts';

const root = temporary();
const secret = join(temporary(), 'secret.png');
let board: Board;
const dir = writeRun(
  root,
  'one run',
  start(),
  ...iterations(3000),
  evaluation(3000, 80),
  image(1, 'vis_data/vis_image/rose.png'),
  image(1, secret),
  image(1, '../outside.png'),
  image(1, 'vis_data/link.png'),
  image(1, 'vis_data/log.jsonl'),
);

beforeAll(async () => {
  mkdirSync(join(dir, 'vis_data/vis_image'), { recursive: true });
  for (const path of [join(dir, 'vis_data/vis_image/rose.png'), secret, join(root, 'outside.png')])
    writeFileSync(path, 'pixels');
  symlinkSync(secret, join(dir, 'vis_data/link.png'));
  const runs = new RunSet(root);
  await runs.refresh();
  board = await serveBoard(runs, { port: 0 });
});
afterAll(() => board.close());

const get = (path: string) => fetch(`${board.url}${path}`);
/** Typed by the reader: what a test looks at. */
const json = async <T = unknown>(path: string): Promise<T> => JSON.parse(await (await get(path)).text());

describe('the board', () => {
  it('listens on this machine alone', () => {
    expect(board.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('lists the runs', async () => {
    expect(await json('/api/runs')).toMatchObject([
      { name: 'one run', iteration: 3000, points: 3000, metrics: { 'accuracy/top1': { best: 80 } } },
    ]);
  });

  it('thins a curve out to the pixels it is asked for, smoothed beside', async () => {
    const [curve] = await json<CurveData[]>(
      '/api/curve?run=one+run&curve=train/loss&pixels=100&smoothing=0.9',
    );
    expect([curve?.points, curve?.x[0], curve?.x.at(-1)]).toEqual([3000, 1, 3000]);
    expect(curve?.x.length).toBeLessThanOrEqual(202);
    expect(curve?.smoothX.length).toBeGreaterThan(0);
    const [part] = await json<CurveData[]>(
      '/api/curve?run=one+run&curve=train/loss&pixels=100&from=100&to=120',
    );
    expect(part?.x).toEqual(Array.from({ length: 23 }, (_, i) => 99 + i));
  });

  it('answers over time too, and with nothing for what is not there', async () => {
    const [curve] = await json<CurveData[]>('/api/curve?run=one+run&curve=train/loss&axis=time&pixels=5000');
    expect(curve?.x.slice(0, 3)).toEqual([0, 0.1, 0.2]);
    expect(await json('/api/curve?run=none&curve=train/loss')).toEqual([]);
    expect((await get('/api/tail?run=none')).status).toBe(404);
  });

  it('refuses a wrong question with what is wrong', async () => {
    const response = await get('/api/curve?run=a&curve=b&pixels=many');
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ message: expect.stringMatching(/pixels/) });
  });

  it('shows the end of a log', async () => {
    const { lines, ranks } = await json<LogTail>('/api/tail?run=one+run&lines=2');
    expect(ranks).toEqual([0]);
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ type: 'image' });
  });

  it('shows the logs of other ranks that the run has, and no link in their place', async () => {
    writeFileSync(join(dir, 'log.rank10.jsonl'), '{"type":"warning","message":"ten"}\n');
    writeFileSync(join(dir, 'log.rank1.jsonl'), '{"type":"warning","message":"one"}\n');
    symlinkSync(secret, join(dir, 'log.rank2.jsonl'));
    expect(await json<LogTail>('/api/tail?run=one+run&rank=10')).toEqual({
      ranks: [0, 1, 10],
      lines: ['{"type":"warning","message":"ten"}'],
    });
    for (const [rank, status] of [
      [2, 404],
      [3, 404],
      ['../1', 400],
    ] as const)
      expect((await get(`/api/tail?run=one+run&rank=${rank}`)).status).toBe(status);
  });

  it('hands out the pictures of a run, and no other file whatever the log says', async () => {
    const statuses = await Promise.all(
      [0, 1, 2, 3, 4, 5].map(async (index) => (await get(`/api/picture?run=one+run&index=${index}`)).status),
    );
    expect(statuses).toEqual([200, 404, 404, 404, 404, 404]);
    const picture = await get('/api/picture?run=one+run&index=0');
    expect([picture.headers.get('content-type'), await picture.text()]).toEqual(['image/png', 'pixels']);
  });

  it('has no way to files by their path', async () => {
    for (const path of [
      '/../../etc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/log.jsonl',
      '/one%20run/log.jsonl',
    ])
      expect((await get(path)).status).toBe(404);
  });

  it('does not answer to another name, so that no web site reaches it through a browser', async () => {
    const status = await new Promise((done) => {
      const { port } = new URL(board.url);
      request(
        { host: '127.0.0.1', port, path: '/api/runs', headers: { host: 'evil.example' } },
        (response) => {
          response.resume();
          done(response.statusCode);
        },
      ).end();
    });
    expect(status).toBe(403);
  });

  it('pushes what is new', async () => {
    const abort = new AbortController();
    const response = await fetch(`${board.url}/api/events`, { signal: abort.signal });
    const seen: BoardEvent[] = [];
    const growing = (async () => {
      let text = '';
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) if (event.startsWith('data: ')) seen.push(JSON.parse(event.slice(6)));
        const last = seen.findLast((event) => event.type === 'runs');
        if (
          seen.some(({ type }) => type === 'system') &&
          last?.type === 'runs' &&
          last.runs[0]?.iteration === 3005
        )
          return;
      }
    })();
    grow(dir, ...iterations(5, 3001));
    await growing;
    abort.abort();
    expect(seen[0]).toMatchObject({ type: 'runs', runs: [{ name: 'one run' }] });
    expect(seen.find(({ type }) => type === 'system')).toMatchObject({
      load: { memoryTotal: expect.any(Number) },
    });
  });

  it('says which port is taken', async () => {
    const { port } = new URL(board.url);
    await expect(serveBoard(new RunSet(temporary()), { port: Number(port) })).rejects.toThrow(
      /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\); another program has the port, choose one with --port/,
    );
  });
});
