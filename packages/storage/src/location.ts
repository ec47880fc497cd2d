/** Paths and addresses: what they open. */

import type { ByteSource } from './byteSource.ts';
import { fileSource } from './localSource.ts';
import { type Request, remoteSource } from './remoteSource.ts';
import { isS3, s3Request } from './s3.ts';

/**
 * Opens the file at `location`: a path, `https://...`, or `s3://bucket/key`. The latter takes AWS's environment variables: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION and, for stores other than Amazon's, AWS_ENDPOINT_URL. The caller closes it.
 */
export async function openByteSource(
  location: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ByteSource> {
  return isRemote(location) ? remoteSource(location, requestOf(location, env)) : fileSource(location);
}

/** True for addresses, false for paths. */
export function isRemote(location: string): boolean {
  return /^https?:\/\//.test(location) || isS3(location);
}

/** Requests for the file at a remote `location`. */
export function requestOf(location: string, env: NodeJS.ProcessEnv): Request {
  return isS3(location) ? s3Request(location, env) : (init) => fetch(location, init);
}
