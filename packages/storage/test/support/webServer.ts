/** A web server for tests that gives files by ranges, as servers do that keep to RFC 9110, and notes what it was asked for. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll } from 'vitest';

export interface WebFile {
  readonly bytes: Uint8Array;
  readonly etag?: string;
  readonly lastModified?: string;
}

export interface WebServer {
  /** `http://127.0.0.1:1234`. */
  readonly address: string;
  /** Since the last time that it was emptied: `GET /a.tar`, `GET /a.tar 0-99`. */
  readonly requests: string[];
  /** Bytes of files that were sent. */
  readonly sent: () => number;
  /** Connections that were made. */
  readonly connections: () => number;
}

export interface WebServerOptions {
  /** Takes no notice of `If-Match`. */
  readonly careless?: boolean;
  /** Answers in place of the server where it returns true. */
  readonly instead?: (request: IncomingMessage, response: ServerResponse, path: string) => boolean;
}

/** Begins to serve what `fileOf` gives for a path (`/a.tar`), until the tests of the file are through. */
export async function webServer(
  fileOf: (path: string) => WebFile | null,
  { careless = false, instead = () => false }: WebServerOptions = {},
): Promise<WebServer> {
  const requests: string[] = [];
  let sent = 0;
  let connections = 0;
  const server = createServer((request, response) => {
    const { method = '', url: path = '', headers: asked } = request;
    const [, range] = /^bytes=(.*)$/.exec(asked.range ?? '') ?? [];
    requests.push([method, path, ...(range === undefined ? [] : [range])].join(' '));
    if (instead(request, response, path)) return;
    const file = fileOf(path);
    if (file === null) {
      response.writeHead(404).end();
      return;
    }
    const { bytes, etag, lastModified } = file;
    const known = {
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { 'last-modified': lastModified }),
    };
    if (!careless && asked['if-match'] !== undefined && asked['if-match'] !== etag) {
      response.writeHead(412, known).end();
      return;
    }
    const [from = '', to = ''] = range?.split('-') ?? [];
    const begin = Number(from);
    const end = Math.min(to === '' ? bytes.length : Number(to) + 1, bytes.length);
    if (range !== undefined && begin >= bytes.length) {
      response.writeHead(416, { ...known, 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    const part = range === undefined ? bytes : bytes.subarray(begin, end);
    const place = range === undefined ? {} : { 'content-range': `bytes ${begin}-${end - 1}/${bytes.length}` };
    response.writeHead(range === undefined ? 200 : 206, {
      ...known,
      ...place,
      'content-length': part.length,
    });
    sent += part.length;
    response.end(part);
  });
  server.on('connection', () => {
    connections++;
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const bound = server.address();
  return {
    address: `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`,
    requests,
    sent: () => sent,
    connections: () => connections,
  };
}
