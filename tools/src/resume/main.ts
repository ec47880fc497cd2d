/**
 * `node tools/dist/resume/main.js`: kills a training run again and again, resumes it each time, and compares what it ends with, bit by bit, with a
 * run that nobody disturbed. The run has averaged weights, accumulated gradients, bfloat16 and early stopping's count. Every other kill falls into the
 * writing of a checkpoint, which is slowed down for it. Exit code 1 when a bit differs.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bytesOf, type HostTensor } from '@omma/core';
import { listCheckpoints, loadCheckpoint } from '@omma/engine';
import { HostRandom, saltOf } from '@omma/nn';
import { runTool, wholeNumber } from '../commandLine.ts';
import { totalSteps } from './config.ts';
import { type Moment, runOnce } from './kill.ts';

const usage = `usage: node tools/dist/resume/main.js [options]

  --kills N      kills a run; 20 unless given
  --workers N,N  runs with so many worker threads; 0,1,4 unless given
  --seed N       of the moments; the clock's unless given
`;

const folders: string[] = [];

await runTool('resume', usage, async (argv) => {
  const { values } = parseArgs({
    args: argv,
    options: {
      kills: { type: 'string', default: '20' },
      workers: { type: 'string', default: '0,1,4' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    },
  });
  const kills = wholeNumber('kills', values.kills);
  const seed = wholeNumber('seed', values.seed);
  const numbersOfWorkers = values.workers.split(',').map((text) => wholeNumber('workers', text));
  console.log(`${kills} kills a run of ${totalSteps} steps, moments of seed ${seed}`);
  let differ = false;
  try {
    const whole = await folder('whole');
    await runOnce(whole, 0, null);
    const expected = await endOf(whole);
    for (const workers of numbersOfWorkers) {
      const { killed, torn, path } = await disturbed(workers, kills, seed);
      const difference = differenceOf(expected, await endOf(path));
      differ ||= difference !== null || killed < kills;
      console.log(
        `${workers} workers: ${killed} kills, ${torn} of them in the writing of a file: ${difference ?? 'every bit the same'}`,
      );
    }
  } finally {
    await Promise.all(folders.map((path) => rm(path, { recursive: true, force: true })));
  }
  return differ ? 1 : 0;
});

/** A run that is killed until it has been often enough, and then left to its end. */
async function disturbed(
  workers: number,
  kills: number,
  seed: number,
): Promise<{ killed: number; torn: number; path: string }> {
  const path = await folder(`killed-${workers}`);
  const draws = new HostRandom(seed, saltOf(`moments/${workers}`)).uniform(2 * kills);
  let [killed, torn] = [0, 0];
  for (let i = 0; i < kills; i++) {
    const { finished, tornWrite } = await runOnce(path, workers, momentOf(i, draws));
    if (finished) break;
    killed++;
    if (tornWrite) torn++;
  }
  await runOnce(path, workers, null);
  return { killed, torn, path };
}

/** Steps are few enough a turn for the run to last; writes are a few of a checkpoint's own. */
function momentOf(i: number, draws: Float32Array): Moment {
  const [a, b] = [draws[2 * i] ?? 0, draws[2 * i + 1] ?? 0];
  if (i % 2 === 1) return { line: 'writing', count: 1 + Math.floor(a * 100), milliseconds: b * 15 };
  return { line: 'step', count: 1 + Math.floor(a * 5), milliseconds: b * 40 };
}

async function folder(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `omma-resume-${name}-`));
  folders.push(path);
  return path;
}

interface End {
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** What the manifest says of the run, without what names its folder. */
  readonly said: string;
}

async function endOf(path: string): Promise<End> {
  const [newest] = await listCheckpoints(path);
  if (newest === undefined) throw new Error(`resume: ${path} has no checkpoint`);
  const { tensors, manifest } = await loadCheckpoint(newest);
  const { config: _, ...rest } = manifest;
  return { tensors, said: JSON.stringify(rest).replaceAll(path, '') };
}

/** The first thing that is not the same; null when all is. */
function differenceOf(a: End, b: End): string | null {
  if (a.tensors.size !== b.tensors.size) return `${a.tensors.size} tensors against ${b.tensors.size}`;
  for (const [name, tensor] of a.tensors) {
    const other = b.tensors.get(name);
    if (other === undefined || !Buffer.from(bytesOf(tensor.data)).equals(bytesOf(other.data)))
      return `${name} differs`;
  }
  return a.said === b.said ? null : `the manifests differ: ${a.said} against ${b.said}`;
}
