/** Makes the index of archives: goes through them side by side, pairs pictures with their labels. */

import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { OmmaError } from '@omma/core';
import { type Archive, type ArchiveProgress, isAddress, openArchive, openByteSource } from '@omma/storage';
import { expand } from 'brace-expansion';
import { imageExtensions } from '../../image/decode.ts';
import { readAnnotationFile } from '../annotationFile.ts';
import type { ArchiveIndex } from './archiveIndex.ts';
import { type FoundSample, inOrderOf, listedNames, plain } from './listedPictures.ts';

export interface BuildIndexOptions {
  /** Class names in label order, for archives with `.cls` files; with folders, the folders that there must be. */
  readonly classes?: readonly string[];
  /** Only what lies below this folder of the archives. */
  readonly prefix?: string;
  /**
   * The path of an annotation file (see `readAnnotationFile`) that lists the pictures by their names in the archives, below `prefix`, and their labels.
   * Without it they are told by their endings; in LMDB stores names often have none.
   */
  readonly annFile?: string;
  /** Told the archives that are done, those under way by the share of them, and how many there are. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Archives that are gone through side by side: most of the time goes into waiting for a server. */
const atOnce = 8;
/** Longer `.cls` files hold no number. */
const longestLabel = 32;

/** `a-{000..003}.tar` as four names, each pattern in turn. */
export function expandShards(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => expand(pattern));
}

/**
 * The index of archives at `locations`, paths or addresses: tar shards, zip archives, LMDB stores (a folder with a `data.mdb`, or that file). Without an
 * annotation file, a picture's label is the whole number in the file with its key and the ending `.cls`
 * (WebDataset: the key is the name up to the first dot of its last part); where an archive has no such file, its class is the first folder of its name.
 */
export async function buildArchiveIndex(
  locations: readonly string[],
  options: BuildIndexOptions = {},
): Promise<ArchiveIndex> {
  const annotations =
    options.annFile === undefined ? null : readAnnotationFile(options.annFile, options.classes ?? null);
  const wanted: Wanted = {
    folder: asFolder(options.prefix ?? ''),
    listed: annotations === null ? null : listedNames(annotations.files, options.annFile ?? ''),
  };
  const found: FoundArchive[] = [];
  const failed = new Map<number, unknown>();
  let next = 0;
  const progress = progressOf(locations.length, options.onProgress);
  const work = async () => {
    while (next < locations.length && failed.size === 0) {
      const at = next++;
      const location = locations[at] ?? '';
      try {
        found[at] = await foundIn(location, wanted, (share) => progress(at, share));
        progress(at, 1);
      } catch (error) {
        failed.set(at, error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  // Archives are taken in order, so the first that fails is the same in every run, whichever fails soonest.
  if (failed.size > 0) throw failed.get(Math.min(...failed.keys()));
  const inArchives = found.flatMap((each, archive) => each.samples.map((sample) => ({ ...sample, archive })));
  const samples =
    wanted.listed === null
      ? inArchives
      : inOrderOf(wanted.listed, inArchives, wanted.folder, locations, options.annFile ?? '');
  const { classes, labelOf } = labels(samples, annotations?.classes ?? options.classes ?? null);
  return {
    format: 'omma-archive-index',
    version: 1,
    classes,
    archives: found.map(({ archive }) => archive),
    samples: {
      name: samples.map(({ name }) => name),
      label: samples.map(labelOf),
      archive: samples.map(({ archive }) => archive),
      offset: samples.map(({ entry }) => entry.offset),
      size: samples.map(({ entry }) => entry.size),
      inflatedSize: samples.map(({ entry }) => entry.inflatedSize ?? null),
      crc32: samples.map(({ entry }) => entry.crc32 ?? null),
    },
  };
}

/** Adds up the shares of archives; told when there is a thousandth more. */
function progressOf(count: number, tell: BuildIndexOptions['onProgress'] = () => {}) {
  const shares = new Float64Array(count);
  let done = 0;
  let told = 0;
  return (at: number, share: number): void => {
    done += share - (shares[at] ?? 0);
    shares[at] = share;
    if (done < told + count / 1000 && share < 1) return;
    told = done;
    tell(done, count);
  };
}

interface FoundArchive {
  readonly archive: ArchiveIndex['archives'][number];
  readonly samples: readonly FoundSample[];
}

/** Which pictures are wanted. */
interface Wanted {
  /** Only what lies below it; empty for all, or with a slash at its end. */
  readonly folder: string;
  /** Their labels by their names below the folder, in the order of the annotation file; null for all that look like pictures. */
  readonly listed: ReadonlyMap<string, number> | null;
}

function asFolder(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

/** The file of an archive: of the folder that an LMDB store is on disk, the one with its data. */
function fileOf(location: string): string {
  const data = join(location, 'data.mdb');
  return !isAddress(location) && existsSync(data) ? data : location;
}

async function foundIn(path: string, wanted: Wanted, onProgress: ArchiveProgress): Promise<FoundArchive> {
  const location = fileOf(path);
  const source = await openByteSource(location);
  try {
    const { size, version } = source;
    const samples = await samplesOf(location, await openArchive(source, onProgress), wanted);
    return { archive: { location, size, version }, samples };
  } finally {
    await source.close();
  }
}

async function samplesOf(
  location: string,
  archive: Archive,
  { folder, listed }: Wanted,
): Promise<FoundSample[]> {
  const names = [...archive.entries.keys()].filter((name) => plain(name).startsWith(folder));
  if (listed !== null) {
    return names.flatMap((name) => {
      const [entry, label] = [archive.entries.get(name), listed.get(plain(name).slice(folder.length))];
      return entry === undefined || label === undefined ? [] : [{ name, entry, label }];
    });
  }
  // What systems leave behind beside a file (`._a.jpg`) is none.
  const pictures = names.filter(
    (name) =>
      imageExtensions.includes(posix.extname(name).toLowerCase()) && !posix.basename(name).startsWith('.'),
  );
  if (pictures.length === 0) {
    throw new OmmaError(
      `${location} has no pictures${folder === '' ? '' : ` below ${folder}`}; expected ${imageExtensions.join(' ')}, or a list of their names (--ann-file)`,
    );
  }
  const labelFiles = new Map(
    names.flatMap((name) => (isLabelFile(name) ? [[keyOf(name), name] as const] : [])),
  );
  const samples: FoundSample[] = [];
  for (const name of pictures) {
    const entry = archive.entries.get(name);
    if (entry === undefined) continue;
    const label =
      labelFiles.size === 0
        ? folderOf(location, name, folder)
        : await numberIn(location, archive, name, labelFiles.get(keyOf(name)));
    samples.push({ name, entry, label });
  }
  return samples;
}

/** Hidden files are none: `._a.cls`, or `.cls` alone, whose key would be empty. */
function isLabelFile(name: string): boolean {
  return name.endsWith('.cls') && !posix.basename(name).startsWith('.');
}

/** WebDataset's key: everything up to the first dot of the last part. */
function keyOf(name: string): string {
  const { dir, base } = posix.parse(name);
  return `${dir}/${base.split('.')[0]}`;
}

function folderOf(location: string, name: string, folder: string): string {
  const [first, ...rest] = plain(name).slice(folder.length).split('/');
  if (first !== undefined && first !== '' && rest.length > 0) return first;
  throw new OmmaError(
    `${location}: ${name} has neither a file with its label (${posix.parse(name).name.split('.')[0]}.cls) nor a folder that names its class; add one`,
  );
}

async function numberIn(
  location: string,
  archive: Archive,
  picture: string,
  name: string | undefined,
): Promise<number> {
  if (name === undefined)
    throw new OmmaError(`${location}: ${picture} has no .cls file with its key, as others have; add it`);
  const size = archive.entries.get(name)?.size ?? 0;
  const text =
    size > longestLabel
      ? ''
      : Buffer.from(await archive.read(name))
          .toString('utf8')
          .trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new OmmaError(
    `${location}: ${name} holds ${size > longestLabel ? `${size} bytes` : JSON.stringify(text)}, expected a label: a whole number from 0 on`,
  );
}

/** What labels mean: numbers are labels already; folders are classes, in the order of their names unless `given`. */
function labels(samples: readonly FoundSample[], given: readonly string[] | null) {
  const folders = new Set(samples.flatMap(({ label }) => (typeof label === 'string' ? [label] : [])));
  if (folders.size > 0 && samples.some(({ label }) => typeof label === 'number')) {
    throw new OmmaError('some of the archives have .cls files and others do not; index them apart');
  }
  const classes =
    given === null && folders.size > 0 ? [...folders].sort() : given === null ? null : [...given];
  const numbers = new Map((classes ?? []).map((name, label) => [name, label]));
  const labelOf = ({ name, label }: FoundSample): number => {
    const number = typeof label === 'number' ? label : numbers.get(label);
    if (number !== undefined && number < (classes?.length ?? Number.POSITIVE_INFINITY)) return number;
    throw new OmmaError(`${name} has the label ${label}, which is none of the ${classes?.length} classes`);
  };
  return { classes, labelOf };
}
