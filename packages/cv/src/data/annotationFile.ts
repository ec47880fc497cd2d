/**
 * Annotation files as MMPretrain has them (`ann_file`). Text: a line a picture, its path and after the last blank its label. JSON (`.json`): OpenMMLab 2.0's
 * `{ "metainfo": { "classes": [...] }, "data_list": [{ "img_path": "a/1.jpg", "gt_label": 0 }] }`.
 */

import { readFileSync } from 'node:fs';
import { OmmaError } from '@omma/core';
import { z } from 'zod';
import type { LabelledFile } from './pictureFiles.ts';

/** More classes than any data set has: where they have no names, the largest label decides how many there are. */
export const mostClasses = 2 ** 20;

export interface Annotations {
  /** Class names in label order, where the file or the caller names them. */
  readonly classes: readonly string[] | null;
  /** With the paths as the file has them; labels are whole numbers from 0 on, below the number of `classes` where these are known. */
  readonly files: readonly LabelledFile[];
}

/** The pictures that the file at `path` lists. `classes` names the labels, whatever the file says. */
export function readAnnotationFile(path: string, classes: readonly string[] | null): Annotations {
  const text = textOf(path);
  const { files, places, known } = /\.json$/i.test(path) ? inJson(text, path) : inLines(text, path);
  const names = classes ?? known;
  const count = names?.length ?? mostClasses;
  const beyond = files.findIndex(({ label }) => label >= count);
  if (beyond >= 0) {
    const limit = names === null ? `${count}, more classes than are believed` : `the ${count} classes`;
    throw new OmmaError(`${places(beyond)}: label ${files[beyond]?.label} is not below ${limit}`);
  }
  return { classes: names, files };
}

interface Listed {
  readonly files: readonly LabelledFile[];
  /** Where the file has the picture of this number. */
  readonly places: (picture: number) => string;
  readonly known: readonly string[] | null;
}

function inLines(text: string, path: string): Listed {
  const lines = text
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [{ text: line.trim(), place: `${path}:${i + 1}` }]));
  if (lines.length === 0) throw new OmmaError(`${path} lists no pictures; expected lines such as: a/1.jpg 0`);
  const files = lines.map((line) => labelledFile(line.text, line.place));
  return { files, places: (picture) => lines[picture]?.place ?? path, known: null };
}

function labelledFile(line: string, place: string): LabelledFile {
  const [, path, digits] = /^(.*\S)\s+(\d{1,9})$/.exec(line) ?? [];
  if (path === undefined || digits === undefined) {
    const found = line.length > 60 ? `${line.slice(0, 60)}...` : line;
    throw new OmmaError(`${place}: expected a path and a label, such as: a/1.jpg 0, found: ${found}`);
  }
  return { path, label: Number(digits) };
}

/** What other tasks note of a picture is left alone; a label that is a list is not. */
const schema = z.looseObject({
  metainfo: z.looseObject({ classes: z.array(z.string().min(1)).min(1).exactOptional() }).exactOptional(),
  data_list: z.array(z.looseObject({ img_path: z.string().min(1), gt_label: z.int().min(0) })).min(1),
});

function inJson(text: string, path: string): Listed {
  const wrong = (what: string): never => {
    throw new OmmaError(
      `${path} ${what}; expected { "metainfo": { "classes": [...] }, "data_list": [{ "img_path": "a/1.jpg", "gt_label": 0 }] }`,
    );
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong('is no JSON');
  }
  const read = schema.safeParse(value);
  if (!read.success) {
    const [issue] = read.error.issues;
    return wrong(
      `is no annotation file for classification: ${issue?.path.join('.') || 'it'}: ${issue?.message}`,
    );
  }
  return {
    files: read.data.data_list.map(({ img_path, gt_label }) => ({ path: img_path, label: gt_label })),
    places: (picture) => `${path}: data_list.${picture}`,
    known: read.data.metainfo?.classes ?? null,
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`annotation file ${path} cannot be read: ${reason}`);
  }
}
