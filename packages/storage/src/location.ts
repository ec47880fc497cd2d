/** Paths and addresses: what they open. */

import { OmmaError } from '@omma/core';
import type { ByteSource } from './byteSource.ts';
import { fileSource } from './localSource.ts';
import { remoteSource } from './remoteSource.ts';
import type { Request } from './request.ts';
import { isS3, s3Request } from './s3.ts';

/** Where files lie that are read in a way of your own: MMEngine's `register_backend`. */
export interface ByteSourceScheme {
  /** The URL of the module that registers it, which worker threads import where a data set needs it. */
  readonly module: string;
  /** Opens the file at `location`, which begins with the scheme. An OmmaError says in one line why it cannot be read. */
  open(location: string): Promise<ByteSource>;
}

const schemes = new Map<string, ByteSourceScheme>();

/** Makes addresses that begin with `scheme://` known to `openByteSource`. The last registration of a scheme wins. */
export function registerByteSource(scheme: string, how: ByteSourceScheme): void {
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme) || builtIn.includes(scheme))
    throw new OmmaError(
      `${scheme}: is no scheme of your own; expected lower-case letters and digits, and none of ${builtIn.join(', ')}`,
    );
  schemes.set(scheme, how);
}

const builtIn = ['http', 'https', 's3'];

/**
 * Opens the file at `location`: a path, `https://...`, `s3://bucket/key`, or what `registerByteSource` has added. S3 takes AWS's environment variables:
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION and, for stores other than Amazon's, AWS_ENDPOINT_URL. The caller closes it.
 */
export async function openByteSource(
  location: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ByteSource> {
  const scheme = schemeOf(location);
  if (scheme === null) return fileSource(location);
  if (builtIn.includes(scheme)) return remoteSource(location, requestOf(location, env));
  const how = schemes.get(scheme);
  if (how !== undefined) return how.open(location);
  throw new OmmaError(
    `${location}: nothing reads ${scheme}://; expected a path, ${builtIn.map((known) => `${known}://`).join(', ')}, or import the module that registers it`,
  );
}

/** True for addresses, also those that nothing reads; false for paths. */
export function isAddress(location: string): boolean {
  return schemeOf(location) !== null;
}

/** True for the addresses that can be opened. */
export function isRemote(location: string): boolean {
  const scheme = schemeOf(location);
  return scheme !== null && (builtIn.includes(scheme) || schemes.has(scheme));
}

/** True for addresses of servers, whose files `download` fetches. */
export function isServer(location: string): boolean {
  return builtIn.includes(schemeOf(location) ?? '');
}

/** The modules that a thread must import to open these locations. */
export function modulesOfLocations(locations: readonly string[]): string[] {
  return [...new Set(locations.flatMap((location) => schemes.get(schemeOf(location) ?? '')?.module ?? []))];
}

/** Requests for the file at a remote `location`. OmmaError where it is no address. */
export function requestOf(location: string, env: NodeJS.ProcessEnv): Request {
  if (isS3(location)) return s3Request(location, env);
  if (!URL.canParse(location))
    throw new OmmaError(`${location} is no address; expected https://host/path or http://host/path`);
  const { host, username, password } = new URL(location);
  if (username !== '' || password !== '')
    throw new OmmaError(
      `an address on ${host} has a user or a password in it, which would get into logs and checkpoints; give one without`,
    );
  return (init) => fetch(location, init);
}

/** `https` of an address; null for a path. */
function schemeOf(location: string): string | null {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase() ?? null;
}
