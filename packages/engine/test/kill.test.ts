import { spawn } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { deviceFactories } from '@omma/core';
import '@omma/cpu';
import { HostRandom } from '@omma/nn';
import { temporarySuffix } from '@omma/storage';
import { expect, it } from 'vitest';
import { listCheckpoints, loadCheckpoint } from '../src/index.ts';

const child = fileURLToPath(new URL('./support/child.mjs', import.meta.url));

/** The device that the claim is about, or where its addon is not built the reference device. */
const cpu = deviceFactories().find(({ name }) => name === 'cpu');
const device = cpu?.available() === true ? 'cpu' : 'reference';

interface Moment {
  /** After so many lines of this kind, and so many milliseconds. */
  readonly line: RegExp;
  readonly count: number;
  readonly milliseconds: number;
  /** Milliseconds by which every write of a file takes longer. */
  readonly slow?: number;
}

const never: Moment = { line: /^$/, count: Number.POSITIVE_INFINITY, milliseconds: 0 };

/** Runs the child in `workDir` and kills it at `moment`. True when it came to its end. */
function run(workDir: string, { line, count, milliseconds, slow = 0 }: Moment = never): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [child, workDir, device, String(slow)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let [left, finished] = [count, false];
    createInterface({ input: running.stdout }).on('line', (text) => {
      finished ||= text === 'done';
      if (line.test(text) && --left === 0) setTimeout(() => running.kill('SIGKILL'), milliseconds);
    });
    running.on('error', reject);
    running.on('close', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(`the run failed with code ${code}`));
      else resolve(finished);
    });
  });
}

async function lastWeights(workDir: string): Promise<Record<string, number[]>> {
  const [path = ''] = await listCheckpoints(workDir);
  const { tensors } = await loadCheckpoint(path);
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
}

it('a run that is killed at random moments, and in the writing of a checkpoint, ends with the same bits as one that never was', async () => {
  const [killed, whole] = await Promise.all(
    ['a', 'b'].map((name) => mkdtemp(join(tmpdir(), `omma-kill-${name}-`))),
  );
  if (killed === undefined || whole === undefined) throw new Error('no folders');
  expect(await run(whole)).toBe(true);
  const [a = 0, b = 0, c = 0, d = 0] = new HostRandom(Date.now() % 2 ** 31, 0).uniform(4);
  const step = (draw: number, wait: number) =>
    run(killed, { line: /^\d+$/, count: 1 + Math.floor(draw * 5), milliseconds: wait * 30 });
  expect(await step(a, b)).toBe(false);
  // A checkpoint that is complete but for its name, and stays so until the kill.
  expect(await run(killed, { line: /^writing$/, count: 3, milliseconds: 20, slow: 2000 })).toBe(false);
  expect((await readdir(killed)).some((name) => name.endsWith(temporarySuffix))).toBe(true);
  await step(c, d);
  expect(await run(killed)).toBe(true);
  expect(await lastWeights(killed)).toEqual(await lastWeights(whole));
}, 240_000);
