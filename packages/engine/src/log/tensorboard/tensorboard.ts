/** TensorBoard event files in vis_data: `tensorboard --logdir work_dirs` shows all runs. A file a start, as TensorBoard wants it. */

import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/types.ts';
import { type LogEntry, type LoggedImage, type VisBackend, visDataDir } from '../backend.ts';
import { appendLog } from '../files.ts';
import { imageEvent, scalarsEvent, startEvent, textEvent, versionEvent } from './events.ts';
import { tfRecord } from './records.ts';

export class TensorboardVisBackend implements VisBackend {
  readonly #dir: string;
  readonly #config: Config;
  #path: string | null = null;
  #records: Uint8Array[] = [];

  constructor({ workDir, config }: { readonly workDir: string; readonly config: Config }) {
    this.#dir = visDataDir(workDir);
    this.#config = config;
  }

  add({ time, step, event, scalars }: LogEntry): void {
    if (event.type === 'start') {
      this.#path = join(this.#dir, fileName(time));
      this.#note(versionEvent(time));
      this.#note(startEvent(time, event.iteration + 1));
      const config = JSON.stringify(this.#config, null, 2);
      this.#note(textEvent(time, step, 'config', indented(config)));
    }
    if (Object.keys(scalars).length > 0) this.#note(scalarsEvent(time, step, scalars));
  }

  addImage({ time, step, name, ...image }: LoggedImage): void {
    this.#note(imageEvent(time, step, name, image));
  }

  async flush(): Promise<void> {
    if (this.#path === null || this.#records.length === 0) return;
    const records = Buffer.concat(this.#records);
    this.#records = [];
    await appendLog(this.#path, records);
  }

  #note(event: Uint8Array): void {
    this.#records.push(tfRecord(event));
  }
}

/** TensorBoard takes any name with `tfevents` in it, and reads files in the order of their names. */
function fileName(time: number): string {
  const seconds = String(Math.floor(time / 1000)).padStart(10, '0');
  return `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${time % 1000}`;
}

/** Preformatted, in Markdown. */
function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}
