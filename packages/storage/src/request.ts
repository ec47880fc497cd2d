/** Requests to servers: one try each, which ends when nothing has come for a while, however long the whole takes. */

import { OmmaError, StoreError } from '@omma/core';
import { codeOf } from './files.ts';
import { PassingFailure } from './persistence.ts';

/** A request for one file, signed where its store wants that. */
export type Request = (init: RequestInit) => Promise<Response>;

/** What is asked, and for how long. */
export interface Asked {
  /** What the file is called in messages. */
  readonly name: string;
  readonly request: Request;
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly patience: number;
}

/** A slow line is no broken one: a server may be silent for so long, whatever it has to send. */
export const standardPatience = 30_000;

/** An answer, and what ends it. */
export interface Answer {
  readonly response: Response;
  readonly stop: AbortController;
}

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Refusals that the caller knows what to do with. */
  readonly expected?: readonly number[];
}

/** The answer's head. Bytes as they are: compressed ones would have another length. A `PassingFailure` where it is worth to ask again, a StoreError where there is no such server, else an OmmaError. */
export async function ask(
  { name, request, patience }: Asked,
  { headers = {}, expected = [] }: AskOptions = {},
): Promise<Answer> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(silence(patience)), patience);
  try {
    // With a range, fetch asks for this itself.
    const plain = headers.range === undefined ? { 'accept-encoding': 'identity' } : {};
    const init = { headers: { ...plain, ...headers }, signal: stop.signal };
    const response = await request(init).catch((error: unknown) => {
      const message = `${name} cannot be reached: ${reasonOf(error)}; check the address and the network`;
      // A name that there is not is a slip of the pen.
      const isFinal = error instanceof Error && codeOf(error.cause) === 'ENOTFOUND';
      throw isFinal ? new StoreError(message) : new PassingFailure(message);
    });
    const { ok, status, statusText } = response;
    if (ok || expected.includes(status)) return { response, stop };
    stop.abort();
    const answer = `${name}: the server answers ${status} ${statusText}`;
    if (!mayPass(status)) throw new OmmaError(`${answer}; check the address and the credentials`);
    throw new PassingFailure(`${answer}; try again later`, waitOf(response));
  } finally {
    clearTimeout(timer);
  }
}

/** Hands the bytes of an answer on. Gives the reason where it breaks off, null where it ends. */
export async function drain(
  { response, stop }: Answer,
  patience: number,
  take: (bytes: Uint8Array) => Promise<void> | void,
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

/** Why a request failed, in words: what fetch says, and what was behind it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

const silence = (patience: number) => new Error(`no byte came for ${patience / 1000} s`);
