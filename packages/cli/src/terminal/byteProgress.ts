/** A bar for work that takes a while: how much is done, time left. Nothing at all where no person watches, or where it is done in a moment. */

import { Presets, SingleBar } from 'cli-progress';
import { formatBytes, formatDuration } from './format.ts';
import type { Output } from './trainingReport.ts';

export interface Progress {
  /** `done` of `total` bytes, or whatever is counted. */
  update(done: number, total: number): void;
  end(): void;
}

/** Milliseconds before the bar appears. */
const patience = 500;

/** A bar for bytes: how many are done, speed, time left. */
export function byteProgress(output: Output, what: string): Progress {
  return progressBar(output, what, (done, total, seconds) => {
    const speed = done / seconds;
    return `${formatBytes(done)} of ${formatBytes(total)}  ${formatBytes(Math.round(speed))}/s  ${formatDuration((total - done) / speed)} left`;
  });
}

/** A bar with a text of what is done, of how much, in how many seconds. */
export function progressBar(
  output: Output,
  what: string,
  textOf: (done: number, total: number, seconds: number) => string,
): Progress {
  if (!output.isTTY) return { update: () => {}, end: () => {} };
  const started = performance.now();
  let bar: SingleBar | null = null;
  const end = () => {
    bar?.stop();
    bar = null;
  };
  return {
    update(done, total) {
      if (done >= total) return end();
      const seconds = (performance.now() - started) / 1000;
      if (bar === null && seconds * 1000 < patience) return;
      const text = textOf(done, total, seconds);
      if (bar === null) {
        bar = new SingleBar(
          {
            stream: output,
            format: `${what} {bar} {text}`,
            barsize: 24,
            hideCursor: true,
            clearOnComplete: true,
          },
          Presets.shades_classic,
        );
        bar.start(total, done, { text });
      } else bar.update(done, { text });
    },
    end,
  };
}

export interface WeightListeners {
  readonly onDownload: Progress['update'];
  readonly onProgress: Progress['update'];
}

/** Runs `work` on weights, with a bar while they are downloaded and one for `what` is done to them. The bars are gone when it ends, however it does. */
export async function withWeightProgress<T>(
  what: string,
  work: (listeners: WeightListeners) => Promise<T>,
): Promise<T> {
  const bars: Progress[] = [];
  // A bar's time begins with what it shows.
  const shown = (text: string): Progress['update'] => {
    let bar: Progress | null = null;
    return (done, total) => {
      if (bar === null) {
        bar = byteProgress(process.stderr, text);
        bars.push(bar);
      }
      bar.update(done, total);
    };
  };
  try {
    return await work({ onDownload: shown('downloading'), onProgress: shown(what) });
  } finally {
    for (const bar of bars) bar.end();
  }
}
