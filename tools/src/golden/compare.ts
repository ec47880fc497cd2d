/** How far numbers are from what was expected. */

export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** What integers must meet. */
export const exact: Tolerance = { absolute: 0, relative: 0 };

/** What one check found. */
export interface Finding {
  /** What was compared: `output 0`, `gradient of x`, `loss of step 1`. */
  readonly what: string;
  /** Largest difference from the expected numbers. */
  readonly error: number;
  /** Empty when it is within the tolerance. */
  readonly failure: string;
}

/** Compares element by element; a number that is not finite must be expected so. */
export function compareNumbers(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
): Finding {
  if (actual.length !== expected.length) {
    return {
      what,
      error: Number.POSITIVE_INFINITY,
      failure: `${actual.length} elements where ${expected.length} are expected`,
    };
  }
  let error = 0;
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < expected.length; i++) {
    const [found, wanted] = [actual[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    const difference = Object.is(found, wanted) || found === wanted ? 0 : Math.abs(found - wanted);
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(wanted);
    const size = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    error = Math.max(error, size);
    if (size > allowed && size - allowed > excess) {
      excess = size - allowed;
      worst = i;
    }
  }
  const failure = worst < 0 ? '' : `element ${worst} is ${actual[worst]} but ${expected[worst]} is expected`;
  return { what, error, failure };
}

/** Indices that fill a fixed number of places: they must agree exactly, and places after the expected ones hold -1. */
export function comparePadded(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): Finding {
  const padded = Array.from(actual, (_, i) => expected[i] ?? -1);
  const wanted = actual.length < expected.length ? expected : padded;
  return compareNumbers(what, actual, wanted, exact);
}
