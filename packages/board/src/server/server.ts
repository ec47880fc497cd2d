/**
 * The board's web server: the page, the runs as JSON, pictures, and a stream of news.
 *
 * It binds to 127.0.0.1 unless told otherwise, answers only to the name it is called by (so that a web site cannot reach it through the
 * browser under another one), and never takes a path from a request: runs are looked up by name among those that were found.
 */

import { readFile } from 'node:fs/promises';
import { OmmaError } from '@omma/core';
import fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CurveData, PictureInfo } from '../api.ts';
import { queryCurve } from '../curves/curve.ts';
import { compareConfigs } from '../runs/compare.ts';
import type { Run } from '../runs/run.ts';
import type { RunSet } from '../runs/runSet.ts';
import { summaryOf } from '../runs/summary.ts';
import { Feed } from './feed.ts';
import { readPictureOf, tailOf } from './files.ts';

export interface BoardOptions {
  /** 127.0.0.1 unless given. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface Board {
  readonly url: string;
  close(): Promise<void>;
}

/** The page's files, by their place in the address; built by `npm run setup`. */
const pageFiles: Readonly<Record<string, string>> = {
  '/': 'index.html',
  '/board.js': 'board.js',
  '/board.css': 'board.css',
};
const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

const list = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);
const runsQuery = z.object({ run: list });
const curveQuery = z.object({
  run: list,
  curve: z.string(),
  axis: z.enum(['step', 'time', 'wall']).default('step'),
  from: z.coerce.number().default(Number.NEGATIVE_INFINITY),
  to: z.coerce.number().default(Number.POSITIVE_INFINITY),
  pixels: z.coerce.number().int().min(1).max(8192).default(1000),
  smoothing: z.coerce.number().min(0).lt(1).default(0),
});
const tailQuery = z.object({
  run: z.string(),
  rank: z.coerce.number().int().min(0).default(0),
  lines: z.coerce.number().int().min(1).max(2000).default(300),
});
const pictureQuery = z.object({ run: z.string(), index: z.coerce.number().int().min(0) });

/** Serves `runs` until it is closed. */
export async function serveBoard(runs: RunSet, { host = '127.0.0.1', port }: BoardOptions): Promise<Board> {
  const app = fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 500 } });
  const feed = new Feed(runs, (error) => process.stderr.write(`board: ${String(error)}\n`));
  guard(app, host);
  addPage(app);
  addRoutes(app, runs, feed);
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new OmmaError(
      `board: cannot listen on ${host}:${port} (${code}); ${code === 'EADDRINUSE' ? 'another program has the port, choose one with --port' : 'choose another --host'}`,
    );
  }
  const shown = host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host;
  return {
    url: `http://${shown}:${portOf(app) ?? port}`,
    close: async () => {
      feed.close();
      await app.close();
      runs.close();
    },
  };
}

function portOf(app: FastifyInstance): number | null {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : null;
}

/** Refuses what does not come to this server by its own name, and anything but reading. */
function guard(app: FastifyInstance, host: string): void {
  const anywhere = host === '0.0.0.0' || host === '::';
  const names = new Set(['localhost', '127.0.0.1', '[::1]', host, `[${host}]`]);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    const name = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (!anywhere && !names.has(name))
      return reply.code(403).send({ message: `not the board's name: ${name}` });
  });
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof z.ZodError) return reply.code(400).send({ message: z.prettifyError(error) });
    process.stderr.write(
      `board: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return reply.code(500).send({ message: 'the board has failed; its terminal says why' });
  });
}

function addPage(app: FastifyInstance): void {
  for (const [address, file] of Object.entries(pageFiles)) {
    app.get(address, async (_request, reply) => {
      const bytes = await readFile(new URL(`../../dist/page/${file}`, import.meta.url)).catch(() => null);
      if (bytes === null)
        return reply.code(503).type('text/plain').send('The page is not built: run `npm run setup`.\n');
      return reply
        .type(contentTypes[file.split('.').at(-1) ?? ''] ?? 'text/plain')
        .header('cache-control', 'no-cache')
        .send(bytes);
    });
  }
}

function addRoutes(app: FastifyInstance, runs: RunSet, feed: Feed): void {
  const chosen = (names: readonly string[]): Run[] => names.flatMap((name) => runs.run(name) ?? []);

  app.get('/api/events', (_request, reply) => {
    reply.hijack();
    if (!feed.add(reply.raw)) reply.raw.writeHead(503).end();
  });
  app.get('/api/runs', async () => {
    await runs.refresh();
    return runs.runs.map(summaryOf);
  });
  app.get('/api/curve', async (request): Promise<CurveData[]> => {
    const { run, curve, ...query } = curveQuery.parse(request.query);
    return chosen(run).flatMap((each) => queryCurve(each, curve, query) ?? []);
  });
  app.get('/api/configs', async (request) => compareConfigs(chosen(runsQuery.parse(request.query).run)));
  app.get(
    '/api/pictures',
    async (request): Promise<PictureInfo[]> =>
      chosen(runsQuery.parse(request.query).run).flatMap((run) =>
        run.state.images.map(({ path: _path, ...image }, index) => ({ ...image, run: run.name, index })),
      ),
  );
  app.get('/api/picture', async (request, reply) => {
    const { run, index } = pictureQuery.parse(request.query);
    const found = runs.run(run);
    const picture = found === undefined ? null : await readPictureOf(found, index);
    if (picture === null) return reply.code(404).send({ message: 'no such picture' });
    return reply.type(picture.type).header('cache-control', 'private, max-age=86400').send(picture.bytes);
  });
  app.get('/api/tail', async (request, reply) => {
    const { run, rank, lines } = tailQuery.parse(request.query);
    const found = runs.run(run);
    const tail = found === undefined ? null : await tailOf(found, rank, lines);
    return tail ?? reply.code(404).send({ message: 'no such run, or no log of this rank' });
  });
}
