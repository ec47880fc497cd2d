/** The files that the board hands out: pictures that a log names, and the ends of logs. Nothing outside of the run's folder, whatever the log says. */

import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { LogTail } from '../api.ts';
import { logName, type Run } from '../runs/run.ts';

const pictureTypes: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
};
const largestPicture = 32 * 1024 * 1024;
/** Bytes of the log's end that are looked at. */
const tailBytes = 512 * 1024;
/** Characters of a line that are shown. */
const longestLine = 4000;

/** The run's picture of this number; null where there is none that may be shown. */
export async function readPictureOf(
  run: Run,
  index: number,
): Promise<{ readonly bytes: Buffer; readonly type: string } | null> {
  const image = run.state.images[index];
  const type = pictureTypes[image?.path.split('.').at(-1)?.toLowerCase() ?? ''];
  if (image === undefined || type === undefined) return null;
  try {
    const allowed = await realpath(join(run.dir, 'vis_data'));
    const path = await realpath(resolve(run.dir, image.path));
    const { size } = await stat(path);
    if (!path.startsWith(`${allowed}${sep}`) || size > largestPicture) return null;
    return { bytes: await readFile(path), type };
  } catch {
    return null;
  }
}

/** What other ranks than 0 log where the config asks for it (the engine's rankLogName). */
const rankLog = /^log\.rank([1-9]\d{0,5})\.jsonl$/;

/** The ranks that have a log in the run's folder. Links are not followed, as discoverRuns does not. */
async function ranksOf(run: Run): Promise<number[]> {
  const entries = await readdir(run.dir, { withFileTypes: true });
  const others = entries.flatMap((entry) => {
    const rank = entry.isFile() ? rankLog.exec(entry.name)?.[1] : undefined;
    return rank === undefined ? [] : [Number(rank)];
  });
  return [0, ...others.sort((a, b) => a - b)];
}

/** The last lines of a rank's log, oldest first; null where the rank or the folder has none. */
export async function tailOf(run: Run, rank: number, lines: number): Promise<LogTail | null> {
  const ranks = await ranksOf(run).catch(() => [] as number[]);
  if (!ranks.includes(rank)) return null;
  const path = join(run.dir, rank === 0 ? logName : `log.rank${rank}.jsonl`);
  return { ranks, lines: await lastLines(path, lines) };
}

async function lastLines(path: string, lines: number): Promise<string[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const begin = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - begin), 0, size - begin, begin);
    const text = buffer.toString('utf8', 0, bytesRead);
    const whole = begin === 0 ? text : text.slice(text.indexOf('\n') + 1);
    const all = whole.split('\n').filter((line) => line !== '');
    return all
      .slice(-lines)
      .map((line) => (line.length > longestLine ? `${line.slice(0, longestLine)}…` : line));
  } finally {
    await file.close();
  }
}
