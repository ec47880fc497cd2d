/** A run's curve over the axis, in the range and at the resolution that a chart asks for. */

import type { CurveAxis, CurveData } from '../api.ts';
import type { Run } from '../runs/run.ts';
import { Column } from './column.ts';
import { downsample } from './downsample.ts';
import { smoothed } from './smooth.ts';
import type { Table } from './table.ts';

export interface CurveQuery {
  readonly axis: CurveAxis;
  /** Range of the axis: iterations, seconds since the start, or milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly pixels: number;
  /** Weight of the moving average, 0 (none) to 1. */
  readonly smoothing: number;
}

/** Null when the run has no such curve. */
export function queryCurve(run: Run, name: string, query: CurveQuery): CurveData | null {
  const { table, column } = run.curve(name);
  if (column === undefined) return null;
  column.pad(table.rows);
  const x = axisOf(table, query.axis);
  const { x: rawX, y } = downsample(x, column, query);
  const weight = table === run.tables.val ? 0 : query.smoothing;
  const smooth = weight === 0 ? { x: [], y: [] } : downsample(x, smoothed(column, weight), query);
  const points = x.lowerBound(query.to) - x.lowerBound(query.from);
  return { run: run.name, x: rawX, y, smoothX: smooth.x, smoothY: smooth.y, points };
}

const seconds = new WeakMap<Table, Column>();

function axisOf(table: Table, axis: CurveAxis): Column {
  if (axis === 'step') return table.step;
  if (axis === 'wall') return table.time;
  const start = table.time.at(0);
  let column = seconds.get(table);
  if (
    column === undefined ||
    column.length > table.rows ||
    column.at(column.length - 1) !== elapsed(table, column.length - 1, start)
  ) {
    column = new Column();
    seconds.set(table, column);
  }
  for (let row = column.length; row < table.rows; row++) column.push(elapsed(table, row, start));
  return column;
}

function elapsed(table: Table, row: number, start: number): number {
  return (table.time.at(row) - start) / 1000;
}
