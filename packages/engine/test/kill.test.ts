import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deviceFactories } from '@omma/core';
import '@omma/cpu';
import { HostRandom } from '@omma/nn';
import { expect, it } from 'vitest';
import { listCheckpoints, loadCheckpoint } from '../src/index.ts';

const child = fileURLToPath(new URL('./support/child.mjs', import.meta.url));

/** The device that the claim is about, or where its addon is not built the reference device with float32 state. */
const cpu = deviceFactories().find(({ name }) => name === 'cpu');
const device = cpu?.available() === true ? 'cpu' : 'exact';

/** Runs the child in `workDir`; kills it `delay` ms after it has printed iteration `at`. True when it came to its end. */
function run(workDir: string, at = Number.POSITIVE_INFINITY, delay = 0): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [child, workDir, device], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    running.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.split('\n').length > at) setTimeout(() => running.kill('SIGKILL'), delay);
    });
    running.on('error', reject);
    running.on('close', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(`the run failed with code ${code}`));
      else resolve(text.endsWith('done\n'));
    });
  });
}

async function lastWeights(workDir: string): Promise<Record<string, number[]>> {
  const [path = ''] = await listCheckpoints(workDir);
  const { tensors } = await loadCheckpoint(path);
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
}

it('a run that is killed at random moments, again and again, ends with the same bits as one that never was', async () => {
  const [killed, whole] = await Promise.all(
    ['a', 'b'].map((name) => mkdtemp(join(tmpdir(), `omma-kill-${name}-`))),
  );
  if (killed === undefined || whole === undefined) throw new Error('no folders');
  expect(await run(whole)).toBe(true);
  const moments = new HostRandom(Date.now() % 2 ** 31, 0).uniform(10);
  let kills = 0;
  for (let i = 0; i < 3; i++) {
    const finished = await run(
      killed,
      1 + Math.floor((moments[2 * i] ?? 0) * 6),
      (moments[2 * i + 1] ?? 0) * 30,
    );
    if (finished) break;
    kills++;
  }
  expect(kills).toBeGreaterThan(0);
  expect(await run(killed)).toBe(true);
  expect(await lastWeights(killed)).toEqual(await lastWeights(whole));
}, 240_000);
