/** Pictures that an annotation file lists, as an archive has them: in the order of the list, each once, none missing. */

import { OmmaError } from '@omma/core';
import type { ArchiveEntry } from '@omma/storage';
import type { LabelledFile } from '../pictureFiles.ts';

export interface FoundSample {
  readonly name: string;
  readonly entry: ArchiveEntry;
  /** A number, or the name of a class. */
  readonly label: number | string;
}

/** tar writes `./a/b` when it is given a folder. */
export function plain(name: string): string {
  return name.replace(/^(\.\/)+/, '');
}

/** Labels by name, in the order of the list. */
export function listedNames(files: readonly LabelledFile[], annFile: string): ReadonlyMap<string, number> {
  const labels = new Map<string, number>();
  for (const { path, label } of files) {
    if (labels.has(path))
      throw new OmmaError(`${annFile} lists ${path} twice; an index has every picture once`);
    labels.set(path, label);
  }
  return labels;
}

/** What was found, in the order in which it is listed; refuses a picture that no archive has, or several have. */
export function inOrderOf<Sample extends FoundSample>(
  listed: ReadonlyMap<string, number>,
  found: readonly Sample[],
  folder: string,
  locations: readonly string[],
  annFile: string,
): Sample[] {
  const byName = new Map<string, Sample>();
  for (const sample of found) {
    const name = plain(sample.name).slice(folder.length);
    if (byName.has(name)) throw new OmmaError(`${annFile} lists ${name}, which more than one archive has`);
    byName.set(name, sample);
  }
  return [...listed.keys()].map((name) => {
    const sample = byName.get(name);
    if (sample !== undefined) return sample;
    throw new OmmaError(
      `${annFile} lists ${name}, but ${locations.length === 1 ? locations[0] : `none of ${locations.length} archives`} has ${folder}${name}; mend the list, or the prefix`,
    );
  });
}
