/**
 * As many points of a curve as a screen can show. Every pixel's column gets its smallest and its largest value, in their order, so that no
 * spike is lost and the picture is the same as that of all points.
 */

import type { Column } from './column.ts';

export interface Points {
  readonly x: number[];
  readonly y: number[];
}

/** The points with x in [`from`, `to`] and one beyond each end, at most two for each of `pixels`. `x` ascends. */
export function downsample(
  x: Column,
  y: Column,
  { from, to, pixels }: { readonly from: number; readonly to: number; readonly pixels: number },
): Points {
  const first = Math.max(0, x.lowerBound(from) - 1);
  const last = Math.min(y.length, x.lowerBound(to) + 2);
  const points: { x: number[]; y: number[] } = { x: [], y: [] };
  const add = (row: number) => {
    if (Number.isNaN(y.at(row))) return;
    points.x.push(x.at(row));
    points.y.push(y.at(row));
  };
  const rows = last - first;
  if (rows <= 2 * pixels) {
    for (let row = first; row < last; row++) add(row);
    return points;
  }
  // The ends are kept as they are, so that a curve begins and ends where it does.
  add(first);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const begin = first + 1 + Math.floor((pixel * (rows - 2)) / pixels);
    const end = first + 1 + Math.floor(((pixel + 1) * (rows - 2)) / pixels);
    const found = y.extremes(begin, end);
    if (found === null) continue;
    const { smallest, largest } = found;
    add(Math.min(smallest, largest));
    if (smallest !== largest) add(Math.max(smallest, largest));
  }
  add(last - 1);
  return points;
}
