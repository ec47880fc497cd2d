/**
 * The index of archives of labelled pictures: which pictures there are, their labels, and where their bytes lie. It is made once, because finding
 * the names in a tar shard means going through all of it; a data set is opened from it at once, and every picture is one range of bytes.
 */

import { readFileSync } from 'node:fs';
import { OmmaError } from '@omma/core';
import { z } from 'zod';
import { mostClasses } from '../annotationFile.ts';

const whole = z.int().min(0);

/** One row a sample, as columns: a file of a million samples stays readable for JSON.parse. */
const schema = z.strictObject({
  format: z.literal('omma-archive-index'),
  version: z.literal(1),
  /** Class names in label order; null where the labels are numbers and nobody has said what they mean. */
  classes: z.array(z.string().min(1)).min(1).nullable(),
  archives: z
    .array(
      z.strictObject({
        /** An address, or a path: from the folder of the index file, unless absolute. */
        location: z.string().min(1),
        size: whole,
        version: z.string().nullable(),
      }),
    )
    .min(1),
  samples: z.strictObject({
    /** Names of the pictures in their archives. */
    name: z.array(z.string().min(1)).min(1),
    label: z.array(z.int().min(0).lt(mostClasses)),
    /** Number of the archive. */
    archive: z.array(whole),
    offset: z.array(whole),
    /** Bytes in the archive. */
    size: z.array(whole),
    /** Bytes when inflated; null where the file is stored as it is. */
    inflatedSize: z.array(whole.nullable()),
    /** CRC-32; null in tar shards, which have none. */
    crc32: z.array(whole.nullable()),
  }),
});

export type ArchiveIndex = z.infer<typeof schema>;

/** Reads and checks an index file. */
export function readArchiveIndex(path: string): ArchiveIndex {
  const wrong = (what: string): never => {
    throw new OmmaError(`${path} ${what}; \`omma data index ARCHIVES --out ${path}\` writes it`);
  };
  const index = schema.safeParse(parsed(path, wrong));
  if (!index.success) {
    const [issue] = index.error.issues;
    return wrong(`is no archive index: ${issue?.path.join('.') || 'it'}: ${issue?.message}`);
  }
  const { samples, archives, classes } = index.data;
  const uneven = Object.entries(samples).find(([, column]) => column.length !== samples.name.length);
  if (uneven !== undefined)
    wrong(`is damaged: ${samples.name.length} names but ${uneven[1].length} values of ${uneven[0]}`);
  if (samples.archive.some((archive) => archive >= archives.length))
    wrong(`is damaged: a sample lies in an archive that is not listed`);
  const beyond = samples.name.findIndex(
    (_, i) =>
      (samples.offset[i] ?? 0) + (samples.size[i] ?? 0) > (archives[samples.archive[i] ?? 0]?.size ?? 0),
  );
  if (beyond >= 0) wrong(`is damaged: ${samples.name[beyond]} lies beyond the end of its archive`);
  const classCount = classes?.length ?? Number.POSITIVE_INFINITY;
  const unknown = samples.label.findIndex((label) => label >= classCount);
  if (unknown >= 0)
    wrong(
      `gives ${samples.name[unknown]} the label ${samples.label[unknown]}, but has ${classCount} classes`,
    );
  return index.data;
}

function parsed(path: string, wrong: (what: string) => never): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return wrong('is no archive index: it is no JSON');
    return wrong(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
