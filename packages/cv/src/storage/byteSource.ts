/**
 * Files by ranges of bytes, wherever they lie: on disk, behind HTTP, in an S3-compatible store. Archives are read through this, so that a sample costs one
 * request for its own bytes.
 */

import { type FileHandle, open, stat } from 'node:fs/promises';
import { OmmaError } from '@omma/core';
import { AwsClient } from 'aws4fetch';

export interface ByteSourceStat {
  readonly size: number;
  /** What changes with the content: the time of the last change on disk, the ETag or Last-Modified of a server; null where it tells neither. */
  readonly version: string | null;
}

export interface ByteSource {
  /** What it is called in messages. */
  readonly name: string;
  stat(): Promise<ByteSourceStat>;
  /** `length` bytes from `offset` on; an OmmaError when there are fewer. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * The file at `location`: a path, `https://...`, or `s3://bucket/key`. The latter takes AWS's environment variables: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION and, for stores other than Amazon's, AWS_ENDPOINT_URL.
 */
export function openByteSource(location: string, env: NodeJS.ProcessEnv = process.env): ByteSource {
  if (location.startsWith('s3://')) return s3Source(location, env);
  return isRemote(location) ? remoteSource(location, location, fetch) : localSource(location);
}

/** True for addresses, false for paths. */
export function isRemote(location: string): boolean {
  return /^(https?|s3):\/\//.test(location);
}

/** What a file on disk is known by: see `ByteSourceStat`. */
export function localStat({ size, mtime }: { readonly size: number; readonly mtime: Date }): ByteSourceStat {
  return { size, version: mtime.toISOString() };
}

function localSource(path: string): ByteSource {
  const explained = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof OmmaError) throw error;
      throw new OmmaError(`${path} cannot be read: ${reasonOf(error)}; check the path`);
    }
  };
  const read = async (file: FileHandle, offset: number, length: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw tooShort(path, offset, length, done);
      done += bytesRead;
    }
    return bytes;
  };
  return {
    name: path,
    stat: () => explained(async () => localStat(await stat(path))),
    read: (offset, length) =>
      explained(async () => {
        const file = await open(path);
        return read(file, offset, length).finally(() => file.close());
      }),
  };
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Milliseconds that one request may take. */
const patience = 60_000;

function remoteSource(name: string, url: string, fetcher: Fetch): ByteSource {
  const ask = async (init: RequestInit): Promise<Response> => {
    const response = await fetcher(url, { ...init, signal: AbortSignal.timeout(patience) }).catch(
      (error: unknown) => {
        throw new OmmaError(
          `${name} cannot be reached: ${reasonOf(error)}; check the address and the network`,
        );
      },
    );
    if (response.ok) return response;
    throw new OmmaError(
      `${name}: the server answers ${response.status} ${response.statusText}; check the address and the credentials`,
    );
  };
  return {
    name,
    stat: async () => {
      const { headers } = await ask({ method: 'HEAD' });
      const size = Number(headers.get('content-length') ?? Number.NaN);
      if (!Number.isSafeInteger(size))
        throw new OmmaError(`${name}: the server does not tell how long it is`);
      return { size, version: headers.get('etag') ?? headers.get('last-modified') };
    },
    read: async (offset, length) => {
      if (length === 0) return new Uint8Array();
      const response = await ask({ headers: { range: `bytes=${offset}-${offset + length - 1}` } });
      if (response.status !== 206) {
        await response.body?.cancel();
        throw new OmmaError(
          `${name}: the server does not give ranges of bytes (it answers ${response.status}, expected 206)`,
        );
      }
      return bodyOf(response, name, offset, length);
    },
  };
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
    throw new OmmaError(
      `${name}: the connection broke after ${done} of ${length} bytes from ${offset} on: ${reasonOf(error)}; check the network, then try again`,
    );
  }
  if (done < length) throw tooShort(name, offset, length, done);
  return bytes;
}

function s3Source(location: string, env: NodeJS.ProcessEnv): ByteSource {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(location) ?? [];
  if (bucket === undefined || key === undefined) {
    throw new OmmaError(`${location} is no address in S3; expected s3://bucket/key`);
  }
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new OmmaError(`${location}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`);
  }
  const region = env.AWS_REGION ?? 'us-east-1';
  const endpoint = env.AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com`;
  const token = env.AWS_SESSION_TOKEN;
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    region,
    service: 's3',
    ...(token === undefined ? {} : { sessionToken: token }),
  });
  const path = key.split('/').map(encodeURIComponent).join('/');
  const url = `${endpoint.replace(/\/$/, '')}/${bucket}/${path}`;
  return remoteSource(location, url, (address, init) => client.fetch(address, init));
}

function tooShort(name: string, offset: number, length: number, found: number): OmmaError {
  return new OmmaError(
    `${name} is too short: expected ${length} bytes from ${offset} on, found ${found}; copy the file again`,
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
