/** Data parallel training on this machine: two ranks with half of the threads each, beside one rank with all of them, on the same 32 pictures a step. */

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { glooAvailable } from '@omma/collectives';
import { freePort } from '@omma/engine';
import type { Benchmark } from './benchmark.ts';
import { type Side, timeRow } from './row.ts';

const worker = fileURLToPath(new URL('./ranksWorker.js', import.meta.url));
const ranks = 2;

export const ranksBenchmark: Benchmark = {
  name: 'resnet18 train 32x112x112 float32, 2 ranks',
  long: false,
  run: async ({ threads, quick, progress }) => {
    const { name } = ranksBenchmark;
    progress(name);
    const available = glooAvailable();
    const peer = `one rank, ${threads} threads`;
    if (available !== true) {
      const reason = { kind: 'missing', text: available } as const;
      return [timeRow(name, { reason }, { peer, side: { reason } })];
    }
    const steps = quick ? 3 : 6;
    const ours: number[][] = [];
    const theirs: number[][] = [];
    try {
      // In turns, so that what disturbs the machine disturbs both.
      for (let round = 0; round < (quick ? 1 : 3); round++) {
        ours.push(await measured(steps, ranks, Math.max(1, Math.floor(threads / ranks))));
        theirs.push(await measured(steps, 1, threads));
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const reason = { kind: 'failed', text } as const;
      return [timeRow(name, { reason }, { peer, side: null })];
    }
    const side: Side = { rounds: theirs };
    return [timeRow(name, { rounds: ours }, { peer, side })];
  },
};

/** The milliseconds of the steps of a run of `size` processes. */
async function measured(steps: number, size: number, threads: number): Promise<number[]> {
  const port = await freePort();
  const children = Array.from({ length: size }, (_, rank) =>
    spawn(process.execPath, [worker, String(steps)], {
      env: {
        ...process.env,
        OMMA_NUM_THREADS: String(threads),
        ...(size === 1
          ? {}
          : {
              RANK: String(rank),
              WORLD_SIZE: String(size),
              MASTER_ADDR: '127.0.0.1',
              MASTER_PORT: String(port),
            }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  const said = await Promise.all(children.map(outputOf));
  const times: number[] = JSON.parse(said[0] ?? '');
  return times;
}

function outputOf(child: ChildProcess): Promise<string> {
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`a rank ended with code ${code}`));
    });
  });
}
