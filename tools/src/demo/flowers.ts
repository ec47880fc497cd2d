/**
 * The flower photos of the TensorFlow project, 229 MB: downloaded if their host answers quickly, used only if the checksum holds.
 *
 * 3670 photos in five classes, CC BY 2.0; the archive names the photographer of each. The size and the SHA-256 are those that
 * TensorFlow Datasets keeps for the file.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const url = 'https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz';
const bytes = 228_813_984;
const sha256 = '4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c';
const partialSuffix = '.partial';
const answerWithinMs = 5_000;
const downloadWithinMs = 60_000;

/** The folder with the photos below `cache`, downloaded first if need be; or why there is none. */
export async function fetchFlowers(cache: string): Promise<{ folder: string } | { reason: string }> {
  const archive = join(cache, 'flower_photos.tgz');
  const folder = join(cache, 'flower_photos');
  const temporary = [archive, `${archive}${partialSuffix}`];
  try {
    await mkdir(cache, { recursive: true });
    await download(archive);
    // Unpacked beside its place and moved there whole, so that a demo that is ended meanwhile leaves no part of it to be taken for all.
    const unpacked = await mkdtemp(join(cache, 'unpacking-'));
    temporary.push(unpacked);
    await promisify(execFile)('tar', ['-xzf', archive, '-C', unpacked]);
    await rename(join(unpacked, 'flower_photos'), folder);
    return { folder };
  } catch (error) {
    return { reason: reasonOf(error) };
  } finally {
    for (const path of temporary) await rm(path, { recursive: true, force: true });
  }
}

async function download(path: string): Promise<void> {
  const patience = new AbortController();
  const timer = setTimeout(
    () => patience.abort(new Error(`no answer within ${answerWithinMs / 1000} s`)),
    answerWithinMs,
  );
  const response = await fetch(url, { signal: patience.signal }).finally(() => clearTimeout(timer));
  if (!response.ok || response.body === null) throw new Error(`the host answered ${response.status}`);
  const hash = createHash('sha256');
  let received = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      received += chunk.length;
      done(null, chunk);
    },
  });
  const partial = `${path}${partialSuffix}`;
  await pipeline(Readable.fromWeb(response.body), measured, createWriteStream(partial), {
    signal: AbortSignal.timeout(downloadWithinMs),
  });
  if (received !== bytes || hash.digest('hex') !== sha256) throw new Error('the checksum does not hold');
  await rename(partial, path);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message;
}
