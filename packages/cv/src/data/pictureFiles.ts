/**
 * A data set of picture files with labels: what `ImageFolder` and other data sets of files are once they know their files, and what a worker thread
 * opens. File names, labels and decoded pictures lie in shared memory.
 */

import { statSync } from 'node:fs';
import { modulesOfLocations } from '@omma/storage';
import { readPictureFile } from '../image/decode.ts';
import { buildTransforms } from '../transforms/chain.ts';
import { modulesOf, type TransformOptions } from '../transforms/registry.ts';
import { ArchivePictures, type ArchivePlaces } from './archive/archivePictures.ts';
import { aspectRatioOfFile } from './aspectRatio.ts';
import type { ImageContext, ImageDataset, ImageSample, ImageSource } from './dataset.ts';
import { defaultCacheBytes, ImageLoader, labelled, type PictureFile } from './imageLoader.ts';
import { type CacheMemory, PictureCache } from './pictureCache.ts';
import { sampleRandom } from './random.ts';
import { type TextTable, textAt, textTable } from './textTable.ts';

export interface LabelledFile {
  readonly path: string;
  readonly label: number;
}

/** All of it can be handed to a thread. */
interface PictureFilesParts {
  readonly classes: readonly string[];
  /** Where the pictures lie in archives; null where they are files of their own. */
  readonly places: ArchivePlaces | null;
  readonly paths: TextTable;
  readonly labels: Int32Array;
  readonly transforms: readonly TransformOptions[];
  readonly cache: CacheMemory;
}

export class PictureFiles implements ImageDataset {
  readonly #parts: PictureFilesParts;
  readonly #archives: ArchivePictures | null;
  readonly #loader: ImageLoader;
  readonly #ratios = new Map<number, number>();

  constructor(parts: PictureFilesParts) {
    this.#parts = parts;
    this.#archives = parts.places === null ? null : new ArchivePictures(parts.places);
    this.#loader = new ImageLoader(buildTransforms(parts.transforms), new PictureCache(parts.cache));
  }

  /** From lists: the pictures at `files`, decoded and transformed; up to `maxBytes` of small ones are kept decoded. */
  static parts(
    classes: readonly string[],
    files: readonly LabelledFile[],
    transforms: readonly TransformOptions[],
    maxBytes = defaultCacheBytes,
    places: ArchivePlaces | null = null,
  ): PictureFilesParts {
    const labels = new Int32Array(new SharedArrayBuffer(4 * files.length));
    labels.set(files.map(({ label }) => label));
    const paths = textTable(files.map(({ path }) => path));
    const cache = new PictureCache({ maxBytes, count: files.length }).memory;
    return { classes, places, paths, labels, transforms, cache };
  }

  get classes(): readonly string[] {
    return this.#parts.classes;
  }

  get length(): number {
    return this.#parts.labels.length;
  }

  nameOf(index: number): string {
    const path = textAt(this.#parts.paths, index);
    if (path === undefined) throw new Error(`no sample ${index} among ${this.length}`);
    return path;
  }

  labelOf(index: number): number {
    const label = this.#parts.labels[index];
    if (label === undefined) throw new Error(`no sample ${index} among ${this.length}`);
    return label;
  }

  async load(index: number, context: ImageContext): Promise<ImageSample> {
    const random = sampleRandom(context.seed, context.epoch, index, context.repeat);
    const image = await this.#loader.load(index, this.#file(index), random, context);
    return labelled(image, this.labelOf(index));
  }

  /** Width / height by the header, which is read when it is first asked for; 1 where it cannot be. Not known of pictures in archives. */
  aspectRatioOf(index: number): number | undefined {
    if (this.#archives !== null) return undefined;
    const known = this.#ratios.get(index);
    if (known !== undefined) return known;
    const found = aspectRatioOfFile(this.nameOf(index)) ?? 1;
    this.#ratios.set(index, found);
    return found;
  }

  /** What the loader reads: the bytes, and what errors call them. */
  #file(index: number): PictureFile {
    const name = this.nameOf(index);
    return { name, read: () => this.#archives?.read(index, name) ?? readPictureFile(name) };
  }

  problemOf(index: number): string | null {
    if (this.#archives !== null) return this.#archives.problemOf(index);
    const found = statSync(this.nameOf(index), { throwIfNoEntry: false });
    if (found === undefined) return 'is missing';
    if (!found.isFile()) return 'is no file';
    return found.size === 0 ? 'is empty' : null;
  }

  source(): ImageSource {
    const archives = this.#parts.places?.archives ?? [];
    const imports = [
      ...modulesOf(this.#parts.transforms),
      ...modulesOfLocations(archives.map(({ location }) => location)),
    ];
    return { module: threadModule, name: 'openPictureFiles', options: this.#parts, imports };
  }
}

/** Threads run JavaScript, so it is the built file even when this one is read as source. */
const threadModule = new URL('../../dist/data/pictureFiles.js', import.meta.url).href;

/** How a worker thread opens one: see `PictureFiles.source`. */
export function openPictureFiles(parts: PictureFilesParts): PictureFiles {
  return new PictureFiles(parts);
}
