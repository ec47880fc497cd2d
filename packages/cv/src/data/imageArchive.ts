/**
 * A data set of pictures in tar shards (as WebDataset writes them) or zip archives, on disk, behind HTTP or in S3-compatible stores. It is opened
 * from an index that `omma data index` has written; each picture is then one range of bytes, in any order, from any worker thread.
 */

import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OmmaError } from '@omma/core';
import { isAddress, localStat } from '@omma/storage';
import type { TransformOptions } from '../transforms/registry.ts';
import { readArchiveIndex } from './archive/archiveIndex.ts';
import { archivePlaces, requireSame } from './archive/archivePictures.ts';
import { PictureFiles } from './pictureFiles.ts';

export interface ImageArchiveOptions {
  /** The folder of the index file. */
  readonly root: string;
  /** The index file in it: `train.index.json`. */
  readonly index: string;
  readonly transforms: readonly TransformOptions[];
  /** Class names in label order; those in the index unless given, and where it has none, the numbers. */
  readonly classes?: readonly string[];
  /** Memory for decoded pictures; 512 MiB unless given. */
  readonly cacheBytes?: number;
}

export class ImageArchive extends PictureFiles {
  constructor({ root, index, transforms, classes, cacheBytes }: ImageArchiveOptions) {
    const path = resolve(root, index);
    const found = readArchiveIndex(path);
    const archives = found.archives.map((archive) => ({
      ...archive,
      location: isAddress(archive.location) ? archive.location : resolve(dirname(path), archive.location),
    }));
    for (const archive of archives.filter(({ location }) => !isAddress(location))) {
      const stat = statSync(archive.location, { throwIfNoEntry: false });
      if (stat === undefined)
        throw new OmmaError(
          `${archive.location}, which ${path} lists, does not exist; put it back or index again`,
        );
      requireSame(archive, localStat(stat), path);
    }
    const { name, label, archive } = found.samples;
    const most = label.reduce((a, b) => Math.max(a, b), 0);
    const known = classes ?? found.classes ?? Array.from({ length: most + 1 }, (_, i) => String(i));
    if (most >= known.length) {
      throw new OmmaError(
        `ImageArchive: ${path} has labels up to ${most}, but there are ${known.length} classes`,
      );
    }
    super(
      PictureFiles.parts(
        known,
        name.map((file, i) => ({
          path: `${archives[archive[i] ?? 0]?.location}/${file}`,
          label: label[i] ?? 0,
        })),
        transforms,
        cacheBytes,
        archivePlaces(path, archives, found.samples),
      ),
    );
  }
}
