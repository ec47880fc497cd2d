/** Files in S3-compatible stores: requests signed with AWS's credentials. */

import { OmmaError } from '@omma/core';
import { AwsClient } from 'aws4fetch';
import type { Request } from './request.ts';

export function isS3(location: string): boolean {
  return location.startsWith('s3://');
}

/** Requests for `s3://bucket/key`, with the credentials of `env`. OmmaError where these are missing, or the address is none. */
export function s3Request(location: string, env: NodeJS.ProcessEnv): Request {
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
  return async (init) => {
    // Not signed, because some stores (Google's) change it on its way.
    const headers = new Headers(init.headers);
    const encoding = headers.get('accept-encoding');
    headers.delete('accept-encoding');
    const signed = await client.sign(url, { ...init, headers });
    if (encoding !== null) signed.headers.set('accept-encoding', encoding);
    return fetch(signed);
  };
}
