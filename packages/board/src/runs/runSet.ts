/** The runs under a folder, kept up to date: what `omma runs` lists and `omma board` shows. */

import { resolve } from 'node:path';
import { discoverRuns, runName } from './discover.ts';
import { Run } from './run.ts';
import { RunIndex } from './runIndex.ts';

export interface RunSetOptions {
  /** Hears how far reading is, in bytes, while logs are read for the first time. */
  readonly onProgress?: (done: number, total: number) => void;
  /** These folders of runs below the root alone: nothing is searched for, and no index kept. */
  readonly only?: readonly string[];
}

/** Bytes that a log grows by before the index is written again. */
const saveEvery = 16_000_000;

export class RunSet {
  readonly root: string;
  readonly #index: RunIndex | null;
  readonly #only: readonly string[] | null;
  readonly #runs = new Map<string, Run>();
  readonly #savedAt = new Map<Run, number>();
  readonly #onProgress: NonNullable<RunSetOptions['onProgress']>;
  #refreshing: Promise<Run[]> | null = null;

  constructor(root: string, { onProgress = () => undefined, only }: RunSetOptions = {}) {
    this.root = resolve(root);
    this.#only = only ?? null;
    this.#index = only === undefined ? RunIndex.open(this.root) : null;
    this.#onProgress = onProgress;
  }

  /** By name. */
  get runs(): Run[] {
    return [...this.#runs.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  run(name: string): Run | undefined {
    return this.#runs.get(name);
  }

  /** Looks for new runs and reads what is new in all; the ones that changed. Calls at the same time share one look. */
  refresh(): Promise<Run[]> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  close(): void {
    for (const run of this.#runs.values()) this.#index?.save(run);
    this.#index?.close();
  }

  async #refresh(): Promise<Run[]> {
    const found =
      this.#only?.map((dir) => ({ dir: resolve(dir), name: runName(this.root, dir) })) ??
      (await discoverRuns(this.root));
    if (this.#runs.size === 0) this.#index?.prune(found.map(({ dir }) => dir));
    const names = new Set(found.map(({ name }) => name));
    for (const name of this.#runs.keys()) if (!names.has(name)) this.#runs.delete(name);
    const changed: Run[] = [];
    for (const { dir, name } of found) {
      let run = this.#runs.get(name);
      if (run === undefined) {
        run = new Run(dir, name);
        const saved = this.#index?.load(dir) ?? null;
        if (saved !== null && (await run.restore(saved).catch(() => false)))
          this.#savedAt.set(run, run.offset);
        this.#runs.set(name, run);
        changed.push(run);
      }
      // A run that was removed meanwhile is gone at the next look.
      const grown = await run.update((each) => this.#onProgress(each.offset, each.size)).catch(() => false);
      if (!grown) continue;
      if (!changed.includes(run)) changed.push(run);
    }
    if (changed.length === 0) this.#saveOne();
    return changed;
  }

  /** Writing keeps everything else waiting, so it is left for a look that has found nothing new, and is one run's at a time. */
  #saveOne(): void {
    const due = ({ offset }: Run, saved: number) => offset - saved >= saveEvery;
    const run = this.runs.find((each) => due(each, this.#savedAt.get(each) ?? 0));
    if (run === undefined) return;
    this.#index?.save(run);
    this.#savedAt.set(run, run.offset);
  }
}
