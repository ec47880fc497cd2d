/** Where weights are read from: paths, and addresses of servers, whose files are downloaded into a cache first. */

import { OmmaError } from '@omma/core';
import { type ByteSource, download, fileSource, isRemote, isServer, openByteSource } from '@omma/storage';
import type { ProgressListener } from './storedTensor.ts';

export interface WeightSourceOptions {
  /** Called while a file is downloaded. */
  readonly onDownload?: ProgressListener;
}

/** Schemes of OpenMMLab that name a model of a zoo in place of an address. */
const zoos = ['torchvision', 'modelzoo', 'open-mmlab', 'openmmlab', 'mmcls', 'mmpretrain', 'pavi', 'petrel'];

/** Opens the file at `location`: a path, `https://...`, `s3://bucket/key`, a registered scheme. The caller closes it. OmmaError where there is none. */
export async function weightSource(
  location: string,
  { onDownload }: WeightSourceOptions = {},
): Promise<ByteSource> {
  requireKnown(location);
  if (!isServer(location)) return openByteSource(location);
  return fileSource(await download(location, onDownload === undefined ? {} : { onProgress: onDownload }));
}

/** The same without a download: a server is asked for the ranges that are read. */
export async function weightRanges(location: string): Promise<ByteSource> {
  requireKnown(location);
  return openByteSource(location);
}

function requireKnown(location: string): void {
  const [, scheme] = /^([a-z][\w+.-]*):\/\//.exec(location) ?? [];
  if (scheme === undefined || isRemote(location)) return;
  throw new OmmaError(
    zoos.includes(scheme)
      ? `${location}: names a model of a zoo, of which there is no list here; give the address of its file, https://...`
      : `${location}: ${scheme}:// is not read; expected is a path, https://, http:// or s3://`,
  );
}
