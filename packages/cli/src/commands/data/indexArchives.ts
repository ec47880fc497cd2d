/** `omma data index`: writes the index of tar shards, zip archives or LMDB stores that the data set ImageArchive is opened from. */

import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { OmmaError } from '@omma/core';
import { type ArchiveIndex, buildArchiveIndex, expandShards } from '@omma/cv';
import { writeAtomically } from '@omma/storage';
import { progressBar } from '../../terminal/byteProgress.ts';
import { formatBytes, formatDuration } from '../../terminal/format.ts';

export interface DataIndexOptions {
  readonly out: string;
  readonly classes?: string;
  readonly annFile?: string;
  readonly prefix?: string;
  readonly json?: boolean;
}

export async function dataIndex(patterns: readonly string[], options: DataIndexOptions): Promise<void> {
  const { out, annFile, prefix, json } = options;
  const classes = options.classes === undefined ? undefined : await linesOf(options.classes);
  const locations = expandShards(patterns);
  const bar = progressBar(process.stderr, 'archives', (done, total, seconds) => {
    return `${Math.floor(done)} of ${total}  ${formatDuration((seconds / done) * (total - done))} left`;
  });
  const index = await buildArchiveIndex(locations, {
    ...(classes === undefined ? {} : { classes }),
    ...(annFile === undefined ? {} : { annFile }),
    ...(prefix === undefined ? {} : { prefix }),
    onProgress: bar.update,
  }).finally(() => bar.end());
  const archives = index.archives.map((archive) => ({
    ...archive,
    location: fromIndex(archive.location, out),
  }));
  await writeAtomically(out, [new TextEncoder().encode(JSON.stringify({ ...index, archives }))]);
  const summary = summaryOf(index);
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ index: out, ...summary })}\n`
      : `${out}: ${summary.samples} pictures of ${summary.classes} classes in ${summary.archives} ${summary.archives === 1 ? 'archive' : 'archives'} (${formatBytes(summary.bytes)})\n`,
  );
}

function summaryOf({ archives, classes, samples }: ArchiveIndex) {
  return {
    archives: archives.length,
    samples: samples.name.length,
    classes: classes?.length ?? new Set(samples.label).size,
    bytes: archives.reduce((total, { size }) => total + size, 0),
  };
}

/** Paths are written as seen from the index, so that the folder can be moved. */
function fromIndex(location: string, out: string): string {
  return location.includes('://') ? location : relative(dirname(resolve(out)), resolve(location));
}

/** The lines of a file without those that are empty at its end. An empty one before would move the labels after it. */
async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`${path}: the class names cannot be read (${reason}); expected one name a line`);
  });
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
  const empty = lines.indexOf('');
  if (empty >= 0)
    throw new OmmaError(`${path}:${empty + 1}: the line is empty; expected the name of class ${empty}`);
  return lines;
}
