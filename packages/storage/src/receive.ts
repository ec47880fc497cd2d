/** A file of a server written to disk as it comes. Where the connection breaks, the rest is asked for, as long as the server still has the same file. */

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { OmmaError } from '@omma/core';
import { writeAll } from './files.ts';
import { changed, type Identity, requirePart, strongTag } from './identity.ts';
import { PassingFailure, type Persistence, resumed, serverOf } from './persistence.ts';
import { type Answer, type Asked, ask, drain } from './request.ts';

export interface Incoming {
  readonly asked: Asked;
  readonly identity: Identity;
  readonly persistence: Persistence | undefined;
  readonly onProgress: (done: number, total: number) => void;
}

/** Fills `file` with the answer and what is missing of it. Gives the SHA-256 of the whole. */
export async function receive(file: FileHandle, first: Answer, incoming: Incoming): Promise<string> {
  const { asked, identity, persistence, onProgress } = incoming;
  const { name } = asked;
  const { size } = identity;
  let hash = createHash('sha256');
  let done = 0;
  const take = async (bytes: Uint8Array): Promise<void> => {
    if (done + bytes.length > size)
      throw new OmmaError(`${name}: the server sends more than the ${size} bytes that it announced`);
    await writeAll(file, bytes, done);
    hash.update(bytes);
    done += bytes.length;
    onProgress(done, size);
  };
  let answer: Answer | null = first;
  const goOn = async (): Promise<void> => {
    const now: Answer = answer ?? (await rest(asked, identity, done));
    answer = null;
    if (now !== first && now.response.status !== 206) {
      requireSize(now, name, size);
      hash = createHash('sha256');
      done = 0;
    }
    const broken = await drain(now, asked.patience, take);
    if (done < size)
      throw new PassingFailure(
        `${name}: the connection broke after ${done} of ${size} bytes: ${broken ?? 'the server sent no more'}; check the network, then try again`,
      );
  };
  await resumed(goOn, () => done, serverOf(name), persistence);
  return hash.digest('hex');
}

/** Asks for the bytes from `done` on, or for the whole file where the server has another by now. */
async function rest(asked: Asked, identity: Identity, done: number): Promise<Answer> {
  // A weak ETag says nothing of bytes.
  const tag = strongTag(identity) ?? (identity.etag === null ? identity.lastModified : null);
  const headers: Record<string, string> = tag === null ? {} : { range: `bytes=${done}-`, 'if-range': tag };
  const answer = await ask(asked, { headers });
  try {
    if (answer.response.status === 206) requirePart(asked.name, identity, answer.response, done);
    return answer;
  } catch (error) {
    answer.stop.abort();
    throw error;
  }
}

/** A server that begins anew may have another file by now. */
function requireSize({ response, stop }: Answer, name: string, size: number): void {
  const now = response.headers.get('content-length');
  if (now === String(size)) return;
  stop.abort();
  throw changed(name, `${size} bytes before, ${now ?? 'an unknown number'} now`);
}
