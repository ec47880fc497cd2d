/** A file of a server written to disk as it comes. Where the connection breaks, the rest is asked for, as long as the server still has the same file. */

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { OmmaError } from '@omma/core';
import { writeAll } from './files.ts';
import type { Persistence } from './persistence.ts';
import { answered, type Request, reasonOf } from './remoteSource.ts';

/** Times that a broken connection is taken up again without having come further than before. */
const attempts = 4;
/** These attempts are for all that may go wrong. */
const once: Persistence = { retries: 0, firstPause: 0 };
/** Milliseconds before the first of them; each waits twice as long as the one before. */
const firstPause = 500;

export interface Incoming {
  /** What the file is called in messages. */
  readonly location: string;
  readonly request: Request;
  readonly size: number;
  /** Its ETag or Last-Modified. */
  readonly version: string | null;
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly patience: number;
  readonly onProgress: (done: number, total: number) => void;
}

/** An answer, and what ends it. */
export interface Answer {
  readonly response: Response;
  readonly stop: AbortController;
}

/** Asks for a file, or the rest of it; the answer's head must come within `patience`. Bytes as they are: compressed ones would have another length. */
export async function ask(
  { location, request, patience }: Pick<Incoming, 'location' | 'request' | 'patience'>,
  headers: Readonly<Record<string, string>> = {},
  persistence?: Persistence,
): Promise<Answer> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(silence(patience)), patience);
  try {
    const init = { headers: { 'accept-encoding': 'identity', ...headers }, signal: stop.signal };
    return { response: await answered(location, request, init, persistence), stop };
  } finally {
    clearTimeout(timer);
  }
}

/** Fills `file` with the answer and what is missing of it. Gives the SHA-256 of the whole. */
export async function receive(file: FileHandle, first: Answer, incoming: Incoming): Promise<string> {
  const { location, size, version, onProgress } = incoming;
  let hash = createHash('sha256');
  let done = 0;
  // Where a server always begins anew, and always breaks off at the same place, that bytes come is no progress.
  let furthest = 0;
  const take = async (bytes: Uint8Array): Promise<void> => {
    if (done + bytes.length > size)
      throw new OmmaError(`${location}: the server sends more than the ${size} bytes that it announced`);
    await writeAll(file, bytes, done);
    hash.update(bytes);
    done += bytes.length;
    onProgress(done, size);
  };
  // Or why there is none.
  let answer: Answer | string = first;
  for (let failures = 0; ; ) {
    const broken: string | null =
      typeof answer === 'string' ? answer : await drain(answer, incoming.patience, take);
    if (done === size) return hash.digest('hex');
    if (done > furthest) failures = 0;
    furthest = Math.max(furthest, done);
    if (failures++ >= attempts)
      throw new OmmaError(
        `${location}: the connection broke after ${done} of ${size} bytes: ${broken ?? 'the server sent no more'}; check the network, then try again`,
      );
    await pause(firstPause * 2 ** (failures - 1));
    // A weak ETag says nothing of bytes.
    const same = version === null || version.startsWith('W/') ? null : version;
    const rest = same === null ? {} : { range: `bytes=${done}-`, 'if-range': same };
    answer = await ask(incoming, rest, once).catch(reasonOf);
    if (typeof answer === 'string') continue;
    if (answer.response.status === 206) requireRange(answer.response, location, done, size);
    else {
      requireSize(answer, location, size);
      hash = createHash('sha256');
      done = 0;
    }
  }
}

/** Hands the bytes of an answer on. Gives the reason where it breaks off, null where it ends. */
async function drain(
  { response, stop }: Answer,
  patience: number,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<string | null> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const timer = setTimeout(() => stop.abort(silence(patience)), patience);
      let next: { readonly value?: Uint8Array | undefined } | undefined;
      try {
        next = await reader?.read();
      } catch (error) {
        return reasonOf(error);
      } finally {
        clearTimeout(timer);
      }
      if (next?.value === undefined) return null;
      await take(next.value);
    }
  } finally {
    stop.abort();
  }
}

function requireRange(response: Response, location: string, done: number, size: number): void {
  const range = response.headers.get('content-range') ?? '';
  if (range.startsWith(`bytes ${done}-`) && range.endsWith(`/${size}`)) return;
  throw new OmmaError(
    `${location}: the server was asked for the bytes from ${done} on and answers with ${range === '' ? 'no range' : range}; try again`,
  );
}

/** A server that begins anew may have another file by now. */
function requireSize({ response, stop }: Answer, location: string, size: number): void {
  const now = response.headers.get('content-length');
  if (now === String(size)) return;
  stop.abort();
  throw new OmmaError(
    `${location}: changed while it was downloaded, from ${size} bytes to ${now ?? 'an unknown number'}; try again`,
  );
}

const silence = (patience: number) => new Error(`no byte came for ${patience / 1000} s`);
