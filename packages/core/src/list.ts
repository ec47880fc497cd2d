/** Access to lists whose length other checks guarantee. */

/** The element at `index`, which must exist: for arity that an op's own checks guarantee. */
export function at<T>(list: readonly T[], index: number): T {
  const element = list[index];
  if (element === undefined) throw new Error(`expected an element at ${index} of a list of ${list.length}`);
  return element;
}

/** The first element of a list that cannot be empty. */
export function first<T>(list: readonly T[]): T {
  return at(list, 0);
}
