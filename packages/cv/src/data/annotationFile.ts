/** Annotation files as MMPretrain has them (`ann_file`): a line a picture, its path and after the last blank its label. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import type { LabelledFile } from './pictureFiles.ts';

/** The pictures that the file at `path` lists, below `folder`; labels are whole numbers from 0 on, below `classCount` where that is known. */
export function readAnnotationFile(path: string, folder: string, classCount: number | null): LabelledFile[] {
  const files = textOf(path)
    .split('\n')
    .flatMap((text, i) => {
      const line = text.trim();
      return line === '' ? [] : [labelledFile(line, `${path}:${i + 1}`, folder, classCount)];
    });
  if (files.length === 0) throw new OmmaError(`${path} lists no pictures; expected lines such as: a/1.jpg 0`);
  return files;
}

function labelledFile(line: string, place: string, folder: string, classCount: number | null): LabelledFile {
  const [, path, digits] = /^(.*\S)\s+(\d{1,9})$/.exec(line) ?? [];
  if (path === undefined || digits === undefined) {
    const found = line.length > 60 ? `${line.slice(0, 60)}...` : line;
    throw new OmmaError(`${place}: expected a path and a label, such as: a/1.jpg 0, found: ${found}`);
  }
  const label = Number(digits);
  if (classCount !== null && label >= classCount)
    throw new OmmaError(`${place}: label ${label} is not below the ${classCount} classes`);
  return { path: join(folder, path), label };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`annotation file ${path} cannot be read: ${reason}`);
  }
}
