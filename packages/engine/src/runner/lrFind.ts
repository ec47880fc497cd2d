/**
 * The learning-rate range test (Smith, Cyclical learning rates for training neural networks, 2017): train for a while with a rate that grows by the
 * same factor every step, and see where the loss falls fastest and where it blows up.
 */

import { OmmaError } from '@omma/core';
import type { Batch } from '../data/types.ts';
import type { Training } from './training.ts';

export interface LrFindOptions {
  /** The first and the last rate; 1e-7 and 10 unless given. */
  readonly start?: number;
  readonly end?: number;
  /** Steps between them; 100 unless given. */
  readonly steps?: number;
  /** Ends when the smoothed loss is so many times its least; 4 unless given. */
  readonly stopAt?: number;
  onPoint?(point: LrPoint, index: number): void;
  readonly signal?: AbortSignal;
}

export interface LrPoint {
  readonly lr: number;
  readonly loss: number;
  /** Exponential mean of the losses, without the bias of its beginning. */
  readonly smoothed: number;
}

export interface LrFindResult {
  readonly points: readonly LrPoint[];
  /** Where the smoothed loss falls fastest: what to train with. Null where the curve says nothing. */
  readonly suggestion: number | null;
  /** A tenth of the rate with the least loss: the more careful choice. */
  readonly careful: number | null;
  /** Why there are no suggestions, and what to do; null where there are. */
  readonly noSuggestion: string | null;
  /** True when the loss blew up before the last rate. */
  readonly diverged: boolean;
}

/**
 * Points without which a curve suggests nothing. fastai and PyTorch Lightning take 100, and leave out the first ten, where the mean has hardly begun, and up to five
 * of the last: of fewer than 30 half would be gone, and each step of the usual range is a factor of two.
 */
export const fewestPoints = 30;

/** Share of the past in the smoothed loss: fastai's 0.98 for its 100 steps and more, and with fewer steps the same part of the curve. */
const betaFor = (steps: number) => Math.min(0.98, 1 - 2 / steps);

/** Runs the test on a training that is used for nothing else: its weights are spoilt afterwards. */
export async function findLearningRate(
  training: Training,
  { start = 1e-7, end = 10, steps = 100, stopAt = 4, onPoint, signal }: LrFindOptions = {},
): Promise<LrFindResult> {
  if (!(start > 0 && end > start && steps >= 10)) {
    throw new OmmaError(
      `lr-find: expects rates that grow, and at least 10 steps, but start is ${start}, end ${end}, steps ${steps}`,
    );
  }
  const { step } = training.parts;
  const beta = betaFor(steps);
  const points: LrPoint[] = [];
  let mean = 0;
  let least = Number.POSITIVE_INFINITY;
  let diverged = false;
  for await (const batch of endless(training)) {
    const lr = start * (end / start) ** (points.length / (steps - 1));
    const outputs = await step({ ...batch.inputs, ...training.settings(lr) });
    const loss = outputs.loss?.data[0] ?? Number.NaN;
    training.parts.loader.recycle?.(batch);
    mean = beta * mean + (1 - beta) * loss;
    const smoothed = mean / (1 - beta ** (points.length + 1));
    diverged = !Number.isFinite(smoothed) || (points.length > steps / 10 && smoothed > stopAt * least);
    if (!Number.isFinite(smoothed)) break;
    const point = { lr, loss, smoothed };
    points.push(point);
    onPoint?.(point, points.length);
    least = Math.min(least, smoothed);
    if (diverged || points.length === steps || signal?.aborted === true) break;
  }
  return { points, ...suggestions(points, steps), diverged };
}

/** The rate of steepest descent, and a tenth of that of the least loss, of a test that was to have so many `steps`. */
export function suggestions(
  points: readonly LrPoint[],
  steps: number,
): Pick<LrFindResult, 'suggestion' | 'careful' | 'noSuggestion'> {
  if (points.length < fewestPoints) {
    const remedy =
      steps < fewestPoints
        ? 'take more --steps (100 are usual)'
        : 'begin with a smaller rate (--start), or take more --steps';
    const noSuggestion = `${points.length} points are too few to tell a slope from noise: at least ${fewestPoints} are needed; ${remedy}`;
    return { suggestion: null, careful: null, noSuggestion };
  }
  // The mean has hardly begun at first; behind its least, what falls is only noise.
  const from = Math.max(1, Math.floor(points.length / 10));
  const smoothed = points.map((point) => point.smoothed);
  const lowest = smoothed.indexOf(Math.min(...smoothed.slice(from)), from);
  let [steepest, suggestion]: [number, number | null] = [0, null];
  for (let i = from; i < lowest; i++) {
    const [before, here, after] = [points[i - 1], points[i], points[i + 1]];
    if (before === undefined || here === undefined || after === undefined) continue;
    const slope = (after.smoothed - before.smoothed) / Math.log(after.lr / before.lr);
    if (slope < steepest) [steepest, suggestion] = [slope, here.lr];
  }
  const least = points[lowest]?.lr;
  if (suggestion === null || least === undefined) {
    const noSuggestion = 'the loss never fell: begin with a smaller rate (--start), or take more --steps';
    return { suggestion: null, careful: null, noSuggestion };
  }
  return { suggestion, careful: least / 10, noSuggestion: null };
}

async function* endless(training: Training): AsyncGenerator<Batch> {
  for (let epoch = 0; ; epoch++) yield* training.parts.loader.epoch(epoch);
}
