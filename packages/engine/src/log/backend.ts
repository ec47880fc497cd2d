/**
 * What a log sink is, in OpenMMLab's word a visualisation backend: it is told what happens in a run, in order, and writes it down
 * somewhere. Built-in ones are written with this interface alone; other packages register theirs in `visBackends`.
 */

import { join } from 'node:path';
import { Registry } from '../config/registry.ts';
import type { Config } from '../config/types.ts';
import type { RunnerEvent, Scalars } from '../runner/events.ts';
import type { MLflowOptions } from './mlflow/options.ts';

/** An event of the Runner as logs get it. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Iterations done in the whole run: what curves are drawn over. */
  readonly step: number;
  readonly event: RunnerEvent;
  /** Numbers worth a curve, by name: `train/loss`, `val/accuracy/top1`. Empty for most kinds of events. */
  readonly scalars: Scalars;
}

/** A picture with what was predicted drawn on it. */
export interface LoggedImage {
  readonly time: number;
  readonly step: number;
  /** The same at every step for the same sample, so that tools show how its prediction changes: `val/rose/17.jpg`. */
  readonly name: string;
  readonly caption: string;
  /** True or false where the prediction is right or wrong; null where that means nothing. */
  readonly correct: boolean | null;
  /** An encoded file. */
  readonly format: 'png' | 'jpeg';
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** How a run ended. `failed` carries the message of the error. */
export type RunOutcome =
  | { readonly status: 'finished' | 'stopped' | 'interrupted' }
  | { readonly status: 'failed'; readonly message: string };

export interface VisBackend {
  /** Notes an entry. Must be quick: it is called between two steps. */
  add(entry: LogEntry): void;
  addImage?(image: LoggedImage): void;
  /** Writes what was noted; awaited between two steps, so that a full disk ends the run with a message. */
  flush(): Promise<void>;
  /** The end of the run, after the last flush. */
  close?(outcome: RunOutcome): Promise<void>;
}

/** What a backend is made for. */
export interface VisContext {
  readonly workDir: string;
  readonly config: Config;
  /** Tells the user of something that does not end the run. */
  warn(message: string): void;
}

/** Options of each backend by its name; extended by declaration merging. */
export interface VisBackendTypes {
  /** log.jsonl and the pictures in the work directory. Always there, named or not. */
  LocalVisBackend: object;
  /** TensorBoard event files. */
  TensorboardVisBackend: object;
  /** train.csv and val.csv. */
  CsvVisBackend: object;
  MLflowVisBackend: MLflowOptions;
}

export const visBackends = new Registry<VisBackendTypes, (context: VisContext) => VisBackend>('log backend');

/** Where backends put their files, as MMEngine calls it. */
export function visDataDir(workDir: string): string {
  return join(workDir, 'vis_data');
}
