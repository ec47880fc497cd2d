/** The hook that looks at the memory of the process while it trains, and ends the run when its time is over. */

import { readdir, readFile } from 'node:fs/promises';
import { memoryUsage } from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Hook } from '@omma/engine';
import type { MemorySample } from './growth.ts';

export interface WatchOptions {
  /** Steps between two samples. */
  readonly every: number;
  readonly seconds: number;
  onSample?(sample: MemorySample): void;
}

export class MemoryWatch implements Hook {
  readonly name = 'MemoryWatch';
  readonly samples: MemorySample[] = [];
  readonly #options: WatchOptions;
  readonly #started = performance.now();
  readonly #collect = collector();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  async afterTrainIteration({ progress, stop }: Parameters<NonNullable<Hook['afterTrainIteration']>>[0]) {
    const { every, seconds, onSample } = this.#options;
    const passed = (performance.now() - this.#started) / 1000;
    if (progress.iteration % every === 0) {
      // What nobody holds any more is no leak.
      this.#collect();
      const { rss, heapUsed, external } = memoryUsage();
      const sample = {
        step: progress.iteration,
        seconds: passed,
        rss: rss / 1e6,
        own: (await ownBytes(rss)) / 1e6,
        heap: heapUsed / 1e6,
        external: external / 1e6,
        files: await openFiles(),
      };
      this.samples.push(sample);
      onSample?.(sample);
    }
    if (passed >= seconds) stop(`${Math.round(seconds)} s are over`);
  }
}

/** V8's full garbage collection, which JavaScript cannot ask for otherwise. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('soak: this Node.js cannot collect garbage on demand');
  return () => collect();
}

/** All resident bytes, `rss`, where there is no /proc. */
async function ownBytes(rss: number): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kib = [...status.matchAll(/^(?:RssAnon|RssShmem|VmSwap):\s*(\d+) kB$/gm)];
  return kib.length === 0 ? rss : 1024 * kib.reduce((sum, [, number]) => sum + Number(number), 0);
}

async function openFiles(): Promise<number | null> {
  const entries = await readdir('/proc/self/fd').catch(() => null);
  return entries?.length ?? null;
}
