/** Files of servers, by requests for ranges of bytes. What fails for a reason that may pass is asked for again. */

import { OmmaError } from '@omma/core';
import { type ByteSource, checkRange } from './byteSource.ts';
import { codeOf } from './files.ts';
import { PassingFailure, type Persistence, persistently } from './persistence.ts';

/** A request for one file, signed where its store wants that. */
export type Request = (init: RequestInit) => Promise<Response>;

/** Milliseconds that one request may take. */
const patience = 60_000;

/** Opens the file that `request` asks for; `name` is what messages call it. */
export async function remoteSource(
  name: string,
  request: Request,
  persistence?: Persistence,
): Promise<ByteSource> {
  const { headers } = await answered(name, request, { method: 'HEAD' }, persistence);
  const size = Number(headers.get('content-length') ?? Number.NaN);
  if (!Number.isSafeInteger(size)) throw new OmmaError(`${name}: the server does not tell how long it is`);
  const source: ByteSource = {
    name,
    size,
    version: headers.get('etag') ?? headers.get('last-modified'),
    async read(offset, length) {
      checkRange(source, offset, length);
      if (length === 0) return new Uint8Array();
      return persistently(() => rangeOf(name, request, offset, length), persistence);
    },
    close: async () => {},
  };
  return source;
}

/** The answer to a request; an OmmaError where there is none, or it is a refusal. */
export function answered(
  name: string,
  request: Request,
  init: RequestInit,
  persistence?: Persistence,
): Promise<Response> {
  return persistently(() => answeredOnce(name, request, init), persistence);
}

/** The same, without asking again. */
async function answeredOnce(name: string, request: Request, init: RequestInit): Promise<Response> {
  const signal = init.signal ?? AbortSignal.timeout(patience);
  const response = await request({ ...init, signal }).catch((error: unknown) => {
    const message = `${name} cannot be reached: ${reasonOf(error)}; check the address and the network`;
    // Who has stopped the request wants no other; a name that there is not is a slip of the pen.
    const isFinal =
      init.signal?.aborted === true || (error instanceof Error && codeOf(error.cause) === 'ENOTFOUND');
    throw isFinal ? new OmmaError(message) : new PassingFailure(message);
  });
  if (response.ok) return response;
  await response.body?.cancel();
  const { status, statusText } = response;
  const answer = `${name}: the server answers ${status} ${statusText}`;
  if (!mayPass(status)) throw new OmmaError(`${answer}; check the address and the credentials`);
  throw new PassingFailure(`${answer}; try again later`, waitOf(response));
}

/** Too busy, too many requests, a request that took too long, or a defect that others may not meet. */
function mayPass(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** Milliseconds by the header Retry-After, which has seconds or a date. */
function waitOf({ headers }: Response): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  const wait = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : null;
}

async function rangeOf(name: string, request: Request, offset: number, length: number): Promise<Uint8Array> {
  const range = `bytes=${offset}-${offset + length - 1}`;
  const response = await answeredOnce(name, request, { headers: { range } });
  if (response.status !== 206) {
    await response.body?.cancel();
    throw new OmmaError(
      `${name}: the server does not give ranges of bytes (it answers ${response.status}, expected 206)`,
    );
  }
  return bodyOf(response, name, offset, length);
}

/** The bytes of an answer. Memory is for what was asked, whatever the server sends. */
async function bodyOf(response: Response, name: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  try {
    for await (const chunk of response.body ?? []) {
      if (done + chunk.length > length) {
        throw new OmmaError(
          `${name}: the server sends more than the ${length} bytes from ${offset} on that it was asked for; is the address right?`,
        );
      }
      bytes.set(chunk, done);
      done += chunk.length;
    }
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    throw new PassingFailure(
      `${name}: the connection broke after ${done} of ${length} bytes from ${offset} on: ${reasonOf(error)}; check the network, then try again`,
    );
  }
  if (done < length)
    throw new OmmaError(
      `${name} is too short: expected ${length} bytes from ${offset} on, found ${done}; copy the file again`,
    );
  return bytes;
}

/** Why a request failed, in words: what fetch says, and what was behind it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
