/** A bar for work on a large file: bytes done, speed, time left. Nothing at all where no person watches, or where it is done in a moment. */

import { Presets, SingleBar } from 'cli-progress';
import { formatBytes, formatDuration } from './format.ts';
import type { Output } from './trainingReport.ts';

export interface ByteProgress {
  /** `done` of `total` bytes. */
  update(done: number, total: number): void;
  end(): void;
}

/** Milliseconds before the bar appears. */
const patience = 500;

export function byteProgress(output: Output, what: string): ByteProgress {
  if (!output.isTTY) return { update: () => {}, end: () => {} };
  const started = performance.now();
  let bar: SingleBar | null = null;
  return {
    update(done, total) {
      const seconds = (performance.now() - started) / 1000;
      if (bar === null && seconds * 1000 < patience) return;
      const speed = done / seconds;
      const text = `${formatBytes(done)} of ${formatBytes(total)}  ${formatBytes(Math.round(speed))}/s  ${formatDuration((total - done) / speed)} left`;
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
    end() {
      bar?.stop();
    },
  };
}
