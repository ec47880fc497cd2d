/**
 * A data set from a folder with one folder a class: `root/train/daisy/a.jpg`, `root/val/daisy/b.jpg`.
 *
 * A root that holds the class folders directly is divided by a hash of the file names, so that the same pictures are always held
 * out. Whatever is wrong with the folder is said at once, not at the first batch.
 */

import { type Dirent, existsSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { OmmaError } from '@omma/core';
import { imageExtensions } from '../image/decode.ts';
import type { TransformOptions } from '../transforms/registry.ts';
import { readAnnotationFile } from './annotationFile.ts';
import { type LabelledFile, PictureFiles } from './pictureFiles.ts';

export interface ImageFolderOptions {
  /** The folder: with `train` and `val` inside, or with the class folders themselves. */
  readonly root: string;
  readonly split: 'train' | 'val';
  readonly transforms: readonly TransformOptions[];
  /** A file in `root` that lists the pictures, a line each: `path label`, or OpenMMLab 2.0's JSON. Then folders say nothing of classes. */
  readonly annFile?: string;
  /** With `annFile`: the folder in `root` that its paths are seen from; the split's unless given. */
  readonly dataPrefix?: string;
  /** Class names in label order; the names of the class folders, sorted, unless given; with `annFile` those in the file, or the numbers. */
  readonly classes?: readonly string[];
  /** Memory for decoded pictures; 512 MiB unless given. */
  readonly cacheBytes?: number;
}

/** Share of the pictures that is held out when there is no `val` folder. */
const heldOut = 0.2;

export class ImageFolder extends PictureFiles {
  constructor(options: ImageFolderOptions) {
    const { classes, entries } =
      options.annFile === undefined ? scan(options) : listed(options, options.annFile);
    super(PictureFiles.parts(classes, entries, options.transforms, options.cacheBytes));
  }
}

function listed({ root, split, classes, dataPrefix = split }: ImageFolderOptions, annFile: string) {
  const listed = readAnnotationFile(join(root, annFile), classes ?? null);
  const entries = listed.files.map(({ path, label }) => ({ path: join(root, dataPrefix, path), label }));
  const count = entries.reduce((most, { label }) => Math.max(most, label + 1), 0);
  return { classes: listed.classes ?? Array.from({ length: count }, (_, label) => String(label)), entries };
}

function scan(options: ImageFolderOptions): { classes: readonly string[]; entries: readonly LabelledFile[] } {
  const { root, split } = options;
  requireFolder(root);
  const divided = !existsSync(join(root, 'train'));
  if (divided && existsSync(join(root, 'val')))
    throw new OmmaError(`ImageFolder: ${root} has a folder val but none called train; add it`);
  const folder = divided ? root : join(root, split);
  requireFolder(folder);
  const found = classFolders(folder);
  const classes = options.classes ?? (divided ? found : classFolders(join(root, 'train')));
  requireSameClasses(folder, found, classes);
  const entries = classes.flatMap((name, label) => {
    const paths = pictureFiles(join(folder, name));
    const own = divided
      ? paths.filter((path) => isHeldOut(path.slice(root.length)) === (split === 'val'))
      : paths;
    if (paths.length === 0) {
      throw new OmmaError(
        `ImageFolder: class ${name} has no images in ${join(folder, name)}; add some (${imageExtensions.join(' ')}) or remove the folder`,
      );
    }
    return own.map((path) => ({ path, label }));
  });
  if (entries.length === 0)
    throw new OmmaError(`ImageFolder: ${folder} has too few images to hold some out; add a val folder`);
  return { classes, entries };
}

function requireFolder(folder: string): void {
  const is = statSync(folder, { throwIfNoEntry: false });
  if (is === undefined) {
    throw new OmmaError(
      `ImageFolder: folder ${folder} does not exist; expected one folder a class in it, or train and val folders of such`,
    );
  }
  if (!is.isDirectory())
    throw new OmmaError(`ImageFolder: ${folder} is a file, expected a folder with one folder a class`);
}

const visible = (entry: Dirent): boolean => !entry.name.startsWith('.');
const byName = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function classFolders(folder: string): string[] {
  const names = entriesOf(folder)
    .filter((entry) => visible(entry) && isFolder(entry))
    .map((entry) => entry.name)
    .sort(byName);
  if (names.length === 0)
    throw new OmmaError(`ImageFolder: ${folder} has no folders in it; expected one folder of images a class`);
  return names;
}

/** Also a link to a folder. */
function isFolder(entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function entriesOf(folder: string, recursive = false): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`ImageFolder: ${folder} cannot be read: ${reason}`);
  }
}

function requireSameClasses(folder: string, found: readonly string[], expected: readonly string[]): void {
  const missing = expected.filter((name) => !found.includes(name));
  const unexpected = found.filter((name) => !expected.includes(name));
  if (missing.length === 0 && unexpected.length === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`misses the classes ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`has the unexpected folders ${unexpected.join(', ')}`] : []),
  ];
  throw new OmmaError(`ImageFolder: ${folder} ${parts.join(' and ')}; expected ${expected.join(', ')}`);
}

/** Every picture below `folder`, in the order of their paths. */
function pictureFiles(folder: string): string[] {
  return entriesOf(folder, true)
    .filter(
      (entry) =>
        visible(entry) && !entry.isDirectory() && imageExtensions.includes(extname(entry.name).toLowerCase()),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .sort(byName);
}

/** The same answer for the same name on every machine: a 32-bit FNV-1a hash, finished so that similar names spread. */
function isHeldOut(name: string): boolean {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash >>> 8) * 2 ** -24 < heldOut;
}
