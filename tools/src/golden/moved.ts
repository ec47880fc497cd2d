/**
 * What rounding alone can change: weights moved by about as much as the sums of one layer are rounded. What such a move changes in a training run,
 * nobody can ask of a device that computes in float32.
 */

import { fill } from './fill.ts';

/** How far weights are moved, relative: by up to four units in the last place. */
const movement = 2 ** -22;

/** A few runs do not show the most that can happen. */
export const movedMargin = 6;

/** The weight called `name`, moved. Each `run` moves another way. */
export function movedWeight(name: string, weight: Float32Array, run: number): Float32Array {
  const by = fill(`moved/${run}/${name}`, weight.length, -movement, movement);
  return weight.map((value, i) => value * (1 + (by[i] ?? 0)));
}
