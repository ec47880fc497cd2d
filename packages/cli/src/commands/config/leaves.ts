/** The values of a config that are no containers, and empty containers, each with its path. */

export interface Leaf {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

export function leavesOf(value: unknown, path: readonly (string | number)[] = []): Leaf[] {
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  // A list of numbers or names is read as one value.
  const whole = entries.length === 0 || (Array.isArray(value) && value.every(isScalar));
  return whole ? [{ path, value }] : entries.flatMap(([key, item]) => leavesOf(item, [...path, key]));
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}
