/**
 * The run's own log: one JSON object a line, appended as things happen, and the pictures beside it. `omma runs` and `omma board` read
 * nothing else of a run.
 *
 * Lines have `time` and `type`, which are those of the Runner's events. An iteration's line holds its place and what the log processor made
 * of its numbers; the line of a start holds the config, which is written as a config file too: `omma train WORK_DIR/config.json` repeats the run.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textFile } from '@omma/storage';
import type { Config } from '../config/types.ts';
import { type LogEntry, type LoggedImage, type RunOutcome, type VisBackend, visDataDir } from './backend.ts';
import { appendLog, writingLog } from './files.ts';

export const logName = 'log.jsonl';

/** The log of another rank than 0, where one is asked for. */
export function rankLogName(rank: number): string {
  return rank === 0 ? logName : `log.rank${rank}.jsonl`;
}

/** The resolved config of the run. */
export const configName = 'config.json';

export class LocalVisBackend implements VisBackend {
  readonly #workDir: string;
  readonly #config: Config;
  readonly #name: string;
  #configWritten = true;
  #lines: string[] = [];
  #images: { readonly path: string; readonly bytes: Uint8Array }[] = [];

  /** `rank`: whose log it is; rank 0 unless given, which writes the config too. */
  constructor({ workDir, config }: { readonly workDir: string; readonly config: Config }, rank = 0) {
    this.#workDir = workDir;
    this.#name = rankLogName(rank);
    this.#config = config;
  }

  add({ time, step, event, scalars }: LogEntry): void {
    switch (event.type) {
      case 'evaluationProgress':
        return;
      case 'iteration': {
        if (Object.keys(scalars).length === 0) return;
        const { type, epoch, iterationInEpoch, loss } = event;
        this.#line(time, { type, epoch, iteration: step, iterationInEpoch, loss, scalars });
        return;
      }
      case 'scalars':
        this.#line(time, { type: event.type, iteration: step, scalars });
        return;
      case 'start':
        this.#configWritten = this.#name !== logName;
        this.#line(time, { ...event, config: this.#config });
        return;
      default:
        this.#line(time, { ...event, iteration: step });
    }
  }

  addImage({ time, step, name, caption, correct, format, bytes, width, height }: LoggedImage): void {
    const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, '_').slice(-120);
    const path = join('vis_data', 'vis_image', `${safe}_${step}.${format === 'png' ? 'png' : 'jpg'}`);
    this.#images.push({ path, bytes });
    this.#line(time, { type: 'image', iteration: step, name, caption, correct, path, width, height });
  }

  /** Pictures first: a line never names a file that is not there. */
  async flush(): Promise<void> {
    const images = this.#images;
    this.#images = [];
    for (const { path, bytes } of images) {
      const full = join(this.#workDir, path);
      await writingLog(full, () => writeFile(full, bytes));
    }
    if (!this.#configWritten) {
      this.#configWritten = true;
      const path = join(this.#workDir, configName);
      await writingLog(path, () => textFile(path, `${JSON.stringify(this.#config, null, 2)}\n`));
    }
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    await appendLog(join(this.#workDir, this.#name), text);
  }

  async close(outcome: RunOutcome): Promise<void> {
    if (outcome.status !== 'failed') return;
    this.#line(Date.now(), { type: 'failed', message: outcome.message });
    await this.flush();
  }

  #line(time: number, content: object): void {
    this.#lines.push(`${JSON.stringify({ time: new Date(time).toISOString(), ...content })}\n`);
  }
}

/** The folder of a run's pictures. */
export function imagesDir(workDir: string): string {
  return join(visDataDir(workDir), 'vis_image');
}
