/** What a file of a server is known by, so that its parts, which are asked for one by one, are parts of the same file. */

import { OmmaError } from '@omma/core';
import type { ByteSourceStat } from './byteSource.ts';

export interface Identity extends ByteSourceStat {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** By the head of an answer, and the size that it tells in digits; an OmmaError where it does not. */
export function identityOf(name: string, headers: Headers, digits: string | null | undefined): Identity {
  const size = /^\d+$/.test(digits ?? '') ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw new OmmaError(`${name}: the server does not tell how long it is`);
  const etag = headers.get('etag');
  const lastModified = headers.get('last-modified');
  return { size, version: etag ?? lastModified, etag, lastModified };
}

/** The ETag by which a server can be asked for parts of this file alone; null where it has none that stands for every byte (`W/...`). */
export function strongTag({ etag }: Identity): string | null {
  return etag === null || etag.startsWith('W/') ? null : etag;
}

/**
 * Refuses an answer that is not the file from byte `from` on: servers may ignore what they were asked for. Where neither ETag nor Last-Modified stands
 * in both answers, the size is all that is compared.
 */
export function requirePart(name: string, known: Identity, { headers }: Response, from: number): void {
  requireUnchanged(name, known, headers);
  const range = headers.get('content-range') ?? '';
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  if (total !== undefined && total !== '*' && Number(total) !== known.size)
    throw changed(name, `${known.size} bytes before, ${total} now`);
  if (first === undefined || Number(first) !== from)
    throw new OmmaError(
      `${name}: the server was asked for the bytes from ${from} on and answers with ${range === '' ? 'no range' : range}; try again`,
    );
}

/** Refuses an answer about a file that has another ETag by now, or where there are none, was changed at another time. */
export function requireUnchanged(name: string, known: Identity, headers: Headers): void {
  for (const [title, before, now] of [
    ['ETag', known.etag, headers.get('etag')],
    ['Last-Modified', known.lastModified, headers.get('last-modified')],
  ] as const) {
    if (before === null || now === null) continue;
    if (before === now) return;
    throw changed(name, `${title} ${before} before, ${now} now`);
  }
}

export function changed(name: string, what: string): OmmaError {
  return new OmmaError(`${name}: changed on the server while it was read (${what}); try again`);
}
