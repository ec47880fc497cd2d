/**
 * Files of servers, by requests for ranges of bytes. What fails for a reason that may pass is asked for again, from the byte on that was reached; a file
 * that changes meanwhile is refused, so that what was read are parts of one.
 */

import { OmmaError } from '@omma/core';
import pLimit from 'p-limit';
import { type ByteSource, checkRange } from './byteSource.ts';
import { changed, type Identity, identityOf, requirePart, requireUnchanged, strongTag } from './identity.ts';
import { PassingFailure, type Persistence, persistently, resumed, serverOf } from './persistence.ts';
import { type Asked, ask, drain, type Request, standardPatience } from './request.ts';

export interface RemoteOptions {
  readonly persistence?: Persistence;
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly patience?: number;
}

/** Requests of a thread that are under way side by side, as AWS's own clients have them: a shuffled batch would open a connection a picture. */
const underWay = pLimit(50);

/** What a server answers that no longer has the file with this ETag, or no longer so many bytes. */
const gone = [412, 416];

/** What the file is known by: asked for with its first byte, because addresses that are signed for reading (`X-Amz-Signature`) refuse HEAD. */
async function opened(asked: Asked): Promise<Identity> {
  const answer = await ask(asked, { headers: { range: 'bytes=0-0' }, expected: [416] });
  const { response, stop } = answer;
  try {
    // Taken, so that the connection is free for the next request.
    if (response.headers.get('content-length') === '1') await drain(answer, asked.patience, () => {});
    const total = /^bytes (?:0-\d+|\*)\/(.*)$/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (response.status === 206 || (response.status === 416 && total === '0'))
      return identityOf(asked.name, response.headers, total);
    throw noRanges(asked.name, response);
  } finally {
    stop.abort();
  }
}

function noRanges(name: string, { status }: Response): OmmaError {
  return new OmmaError(
    `${name}: the server does not give ranges of bytes (it answers ${status}, expected 206)`,
  );
}

/** Opens the file that `request` asks for; `name` is what messages call it. */
export async function remoteSource(
  name: string,
  request: Request,
  { persistence, patience = standardPatience }: RemoteOptions = {},
): Promise<ByteSource> {
  const asked = { name, request, patience };
  const server = serverOf(name);
  const identity = await persistently(() => opened(asked), server, persistence);
  const tag = strongTag(identity);
  const only = tag === null ? {} : { 'if-match': tag };

  /** Asks for a range, and hands on what comes of it. */
  const more = async (from: number, end: number, take: (bytes: Uint8Array) => void) => {
    const headers = { range: `bytes=${from}-${end - 1}`, ...only };
    const answer = await ask(asked, { headers, expected: gone });
    try {
      const { response } = answer;
      if (gone.includes(response.status)) throw changed(name, `the server answers ${response.status}`);
      if (response.status !== 206) {
        requireUnchanged(name, identity, response.headers);
        throw noRanges(name, response);
      }
      requirePart(name, identity, response, from);
      return await drain(answer, patience, take);
    } finally {
      answer.stop.abort();
    }
  };

  const source: ByteSource = {
    name,
    size: identity.size,
    version: identity.version,
    async read(offset, length) {
      checkRange(source, offset, length);
      // Memory is for what was asked, whatever the server sends.
      const bytes = new Uint8Array(length);
      let done = 0;
      const take = (chunk: Uint8Array) => {
        if (done + chunk.length > length)
          throw new OmmaError(
            `${name}: the server sends more than the ${length} bytes from ${offset} on that it was asked for; is the address right?`,
          );
        bytes.set(chunk, done);
        done += chunk.length;
      };
      const goOn = async () => {
        const broken =
          done < length ? await underWay(() => more(offset + done, offset + length, take)) : null;
        if (done < length)
          throw new PassingFailure(
            `${name}: the connection broke after ${done} of ${length} bytes from ${offset} on: ${broken ?? 'the server sent no more'}; check the network, then try again`,
          );
      };
      await resumed(goOn, () => done, server, persistence);
      return bytes;
    },
    close: async () => {},
  };
  return source;
}
