/**
 * The data pipeline against torchvision's: a batch of pictures from files to normalised numbers (decode, random resized crop, flip, normalise,
 * collate), in processor time, so that what counts is pictures a second and core. Once on small photos, once on originals of 500x375.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Benchmark, Setting } from './benchmark.ts';
import { enter, leave } from './benchmark.ts';
import { oursDataCommand, torchDataCommand } from './commands.ts';
import { contest } from './contest.ts';
import type { DataJob } from './dataJob.ts';
import { type Reason, type Row, timeRow } from './row.ts';

export interface DataPlan {
  readonly title: string;
  /** Height and width of the samples. */
  readonly size: number;
  /** The folder of classes, made in `scratch` where it does not exist yet; or why there is none. */
  folder(data: string, scratch: string): Promise<string | Reason>;
}

const batch = 32;
/** Batches that one step is made of. */
const batches = 8;

export function dataBenchmark({ title, size, folder }: DataPlan): Benchmark {
  return {
    name: title,
    long: false,
    run: async (setting) => {
      const scratch = mkdtempSync(join(tmpdir(), 'omma-bench-'));
      try {
        const root = await folder(setting.data, scratch);
        if (typeof root !== 'string') {
          return [timeRow(title, { reason: root }, { peer: null, side: null })];
        }
        return await rowsOf(title, { root, size, batch, batches }, setting);
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
  };
}

async function rowsOf(title: string, job: DataJob, { torch, pace, progress }: Setting): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { python, eager } of torch) {
    progress(`${title}: ${eager.label}`);
    const missing: Reason = {
      kind: 'missing',
      text: 'name a Python that has torchvision with --python PATH',
    };
    const ours = await enter(oursDataCommand(job));
    const theirs = await enter(python === null ? missing : torchDataCommand(python, job));
    try {
      const result = await contest(ours.contestant, theirs.contestant, pace);
      const { label, detail } = theirs;
      rows.push(timeRow(title, result.ours, { peer: label ?? eager.label, side: result.peer, detail }));
    } finally {
      await leave(ours);
      await leave(theirs);
    }
  }
  return rows;
}

/** The photos of flowers, as they lie there. */
export async function flowers(data: string): Promise<string | Reason> {
  const root = join(data, 'tf-flowers-128');
  return existsSync(root) ? root : missingFolder(root);
}

/** Photos of COCO, cropped and resized to the usual size of an ImageNet original. */
export async function originals(data: string, scratch: string): Promise<string | Reason> {
  const source = join(data, 'coco-permissive', 'train2017');
  if (!existsSync(source)) return missingFolder(source);
  const folder = join(scratch, 'train', 'photo');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(source).filter((file) => file.endsWith('.jpg'))) {
    await sharp(join(source, name))
      .resize(500, 375, { fit: 'cover' })
      .jpeg({ quality: 90 })
      .toFile(join(folder, name));
  }
  return scratch;
}

const missingFolder = (folder: string): Reason => ({
  kind: 'missing',
  text: `${folder} does not exist; name its parent with --data`,
});
