/** Makes the index of archives: goes through them side by side, pairs pictures with their labels. */

import { posix } from 'node:path';
import { OmmaError } from '@omma/core';
import { type Archive, type ArchiveEntry, openArchive, openByteSource } from '@omma/storage';
import { expand } from 'brace-expansion';
import { imageExtensions } from '../../image/decode.ts';
import type { ArchiveIndex } from './archiveIndex.ts';

export interface BuildIndexOptions {
  /** Class names in label order, for archives with `.cls` files; with folders, the folders that there must be. */
  readonly classes?: readonly string[];
  /** Only what lies below this folder of the archives. */
  readonly prefix?: string;
  /** Told after every archive. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Archives that are gone through side by side: most of the time goes into waiting for a server. */
const atOnce = 8;
/** Longer `.cls` files hold no number. */
const longestLabel = 32;

interface FoundSample {
  readonly name: string;
  readonly entry: ArchiveEntry;
  /** A number, or the name of a class. */
  readonly label: number | string;
}

/** `a-{000..003}.tar` as four names, each pattern in turn. */
export function expandShards(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => expand(pattern));
}

/**
 * The index of archives at `locations`, paths or addresses. A picture's label is the whole number in the file with its key and the ending `.cls`
 * (WebDataset: the key is the name up to the first dot of its last part); where an archive has no such file, its class is the first folder of its name.
 */
export async function buildArchiveIndex(
  locations: readonly string[],
  options: BuildIndexOptions = {},
): Promise<ArchiveIndex> {
  const found: FoundArchive[] = [];
  const failed = new Map<number, unknown>();
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < locations.length && failed.size === 0) {
      const at = next++;
      const location = locations[at] ?? '';
      try {
        found[at] = await foundIn(location, options.prefix ?? '');
        options.onProgress?.(++done, locations.length);
      } catch (error) {
        failed.set(at, error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  // Archives are taken in order, so the first that fails is the same in every run, whichever fails soonest.
  if (failed.size > 0) throw failed.get(Math.min(...failed.keys()));
  const samples = found.flatMap((each, archive) => each.samples.map((sample) => ({ ...sample, archive })));
  const { classes, labelOf } = labels(samples, options.classes ?? null);
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

interface FoundArchive {
  readonly archive: ArchiveIndex['archives'][number];
  readonly samples: readonly FoundSample[];
}

async function foundIn(location: string, prefix: string): Promise<FoundArchive> {
  const source = await openByteSource(location);
  try {
    const { size, version } = source;
    const samples = await samplesOf(location, await openArchive(source), prefix);
    return { archive: { location, size, version }, samples };
  } finally {
    await source.close();
  }
}

async function samplesOf(location: string, archive: Archive, prefix: string): Promise<FoundSample[]> {
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const names = [...archive.entries.keys()].filter((name) => plain(name).startsWith(folder));
  // What systems leave behind beside a file (`._a.jpg`) is none.
  const pictures = names.filter(
    (name) =>
      imageExtensions.includes(posix.extname(name).toLowerCase()) && !posix.basename(name).startsWith('.'),
  );
  if (pictures.length === 0) {
    throw new OmmaError(
      `${location} has no pictures${folder === '' ? '' : ` below ${folder}`}; expected ${imageExtensions.join(' ')}`,
    );
  }
  const labelFiles = new Map(
    names.flatMap((name) => (name.endsWith('.cls') ? [[keyOf(name), name] as const] : [])),
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

/** tar writes `./a/b` when it is given a folder. */
function plain(name: string): string {
  return name.replace(/^(\.\/)+/, '');
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
