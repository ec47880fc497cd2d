/** The window options that convolutions and pools share. */

export type Size2d = number | readonly [number, number];
/** One number, [vertical, horizontal], or [top, left, bottom, right]. */
export type Padding2d = number | readonly [number, number] | readonly [number, number, number, number];

/** [height, width] of a size. */
export function pair(size: Size2d): readonly [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}
