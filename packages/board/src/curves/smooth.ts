/**
 * Smoothing as TensorBoard does it: an exponential moving average, corrected for the zero that it starts from. Computed over all points, not over
 * those on the screen; the last weight's result is kept and goes on as the curve grows.
 */

import { Column } from './column.ts';

interface Smoothed {
  readonly weight: number;
  readonly column: Column;
  /** The corrected average, and the part that the zero it starts from would still have in the uncorrected one. */
  average: number;
  zero: number;
}

const kept = new WeakMap<Column, Smoothed>();

/** `weight` in [0, 1): 0 leaves the curve as it is. */
export function smoothed(source: Column, weight: number): Column {
  if (weight === 0) return source;
  let state = kept.get(source);
  if (state === undefined || state.weight !== weight || state.column.length > source.length) {
    state = { weight, column: new Column(), average: 0, zero: 1 };
    kept.set(source, state);
  }
  const rest = source.view(state.column.length);
  const result = new Float64Array(rest.length);
  let { average, zero } = state;
  for (let i = 0; i < rest.length; i++) {
    const value = rest[i] ?? Number.NaN;
    if (!Number.isFinite(value)) {
      result[i] = value;
      continue;
    }
    // Below that it changes no double any more, and would go on to numbers that processors are slow with.
    zero = zero < Number.EPSILON / 4 ? 0 : zero * weight;
    // Towards the value, instead of a quotient of two sums: a curve that does not move stays where it is to the last bit.
    average += (value - average) * ((1 - weight) / (1 - zero));
    result[i] = average;
  }
  state.average = average;
  state.zero = zero;
  state.column.append(result);
  return state.column;
}

/** Forgets a curve whose past has changed. */
export function forgetSmoothed(source: Column): void {
  kept.delete(source);
}
