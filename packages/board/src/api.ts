/** What the server tells the page: types alone, for both sides. */

import type { RunStatus } from './runs/run.ts';
import type { MetricSummary, RunImage } from './runs/state.ts';

/** A run as lists show it. */
export interface RunSummary {
  readonly name: string;
  readonly status: RunStatus;
  readonly failure: string | null;
  /** Milliseconds since 1970. */
  readonly started: number | null;
  readonly lastTime: number | null;
  readonly sessions: number;
  readonly device: string | null;
  readonly precision: string | null;
  readonly parameters: number | null;
  readonly iteration: number;
  readonly maxIterations: number | null;
  readonly iterationsPerEpoch: number | null;
  readonly maxEpochs: number | null;
  /** Processes that train together. */
  readonly ranks: number;
  readonly metrics: Readonly<Record<string, MetricSummary>>;
  /** Names of its curves. */
  readonly curves: readonly string[];
  readonly images: number;
  readonly warnings: number;
  readonly bestCheckpoint: string | null;
  /** Lines of the log that are no events. */
  readonly damagedLines: number;
  /** Points of the longest curve, and bytes of the log that are read and that there are. */
  readonly points: number;
  readonly read: number;
  readonly bytes: number;
}

export type CurveAxis = 'step' | 'time' | 'wall';

/** One run's part of a chart: x and y of at most two points a pixel, and the smoothed curve over the same range. */
export interface CurveData {
  readonly run: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly smoothX: readonly number[];
  readonly smoothY: readonly number[];
  /** Points in the range before they were thinned out. */
  readonly points: number;
}

export interface ConfigRow {
  readonly key: string;
  /** As text, a cell a run; null where the run's config has no such key. */
  readonly values: readonly (string | null)[];
  readonly differs: boolean;
}

export interface SystemLoad {
  readonly time: number;
  /** Share of all cores, 0 to 1. */
  readonly cpu: number;
  readonly cores: readonly number[];
  readonly load: number;
  readonly memoryUsed: number;
  readonly memoryTotal: number;
  readonly diskFree: number;
  readonly diskTotal: number;
}

/** The end of a log: the ranks of the run that have one, and the last lines of the one asked for. */
export interface LogTail {
  readonly ranks: readonly number[];
  readonly lines: readonly string[];
}

/** Pushed to the page. */
export type BoardEvent =
  | {
      readonly type: 'runs';
      /** True when these are all runs, whatever the page knew before. */
      readonly anew: boolean;
      readonly runs: readonly RunSummary[];
      readonly removed: readonly string[];
    }
  | { readonly type: 'system'; readonly load: SystemLoad };

export type PictureInfo = Omit<RunImage, 'path'> & { readonly run: string; readonly index: number };
