/**
 * Smoothing as TensorBoard does it: an exponential moving average, corrected for the zero that it starts from. Computed over all points, not over
 * those on the screen; the last weight's result is kept and goes on as the curve grows.
 */

import { Column } from './column.ts';

interface Smoothed {
  readonly weight: number;
  readonly column: Column;
  /** The uncorrected average, and the numbers that went into it. */
  average: number;
  count: number;
}

const kept = new WeakMap<Column, Smoothed>();

/** `weight` in [0, 1): 0 leaves the curve as it is. */
export function smoothed(source: Column, weight: number): Column {
  if (weight === 0) return source;
  let state = kept.get(source);
  if (state === undefined || state.weight !== weight || state.column.length > source.length) {
    state = { weight, column: new Column(), average: 0, count: 0 };
    kept.set(source, state);
  }
  const rest = source.view(state.column.length);
  for (const value of rest) {
    if (Number.isFinite(value)) {
      state.average = state.average * weight + (1 - weight) * value;
      state.count++;
    }
    state.column.push(Number.isFinite(value) ? state.average / (1 - weight ** state.count) : value);
  }
  return state.column;
}

/** Forgets a curve whose past has changed. */
export function forgetSmoothed(source: Column): void {
  kept.delete(source);
}
