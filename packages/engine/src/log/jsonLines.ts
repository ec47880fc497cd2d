/** The run's log: one JSON object a line, appended as things happen, so that any tool can follow it. */

import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OmmaError } from '@omma/core';
import { codeOf } from '../checkpoint/files.ts';
import type { RunnerEvent } from '../runner/events.ts';

export class JsonLinesLog {
  readonly path: string;
  readonly #interval: number;
  #pending: string[] = [];

  /** Iterations are logged every `interval`. */
  constructor(path: string, interval: number) {
    this.path = path;
    this.#interval = interval;
  }

  /** Notes an event; `flush` writes it. */
  add(event: RunnerEvent): void {
    if (event.type === 'evaluationProgress') return;
    if (event.type === 'iteration' && event.iteration % this.#interval !== 0) return;
    this.#pending.push(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
  }

  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const lines = this.#pending.join('');
    this.#pending = [];
    try {
      await mkdir(dirname(this.path), { recursive: true });
      await appendFile(this.path, lines);
    } catch (error) {
      throw new OmmaError(
        `${this.path}: cannot write the log (${codeOf(error) ?? String(error)}); free some space or choose another --work-dir`,
      );
    }
  }
}
