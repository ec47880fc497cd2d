/** Curves that were logged together: they share their steps and times. A number that was not logged in a row is NaN there. */

import { Column } from './column.ts';
import { forgetSmoothed } from './smooth.ts';

export class Table {
  /** Iterations done, ascending. */
  readonly step = new Column();
  /** Milliseconds since 1970. */
  readonly time = new Column();
  readonly #values = new Map<string, Column>();
  #unchanged = 0;

  get rows(): number {
    return this.step.length;
  }

  /** Rows that are as they were when `markSaved` was called last. */
  get unchangedRows(): number {
    return this.#unchanged;
  }

  markSaved(): void {
    this.#unchanged = this.rows;
  }

  get names(): string[] {
    return [...this.#values.keys()];
  }

  column(name: string): Column | undefined {
    return this.#values.get(name);
  }

  /** The columns by name, those of the place first. */
  columns(): [string, Column][] {
    return [['step', this.step], ['time', this.time], ...this.#values];
  }

  append(step: number, time: number, scalars: object): void {
    const row = this.rows;
    this.step.push(step);
    this.time.push(time);
    for (const [name, value] of Object.entries(scalars)) {
      const column = this.#values.get(name) ?? this.addColumn(name);
      column.pad(row);
      column.push(typeof value === 'number' ? value : Number.NaN);
    }
  }

  /** Makes room for as many rows, in the columns that there are. */
  reserve(rows: number): void {
    for (const [, column] of this.columns()) column.reserve(rows);
  }

  addColumn(name: string): Column {
    const column = new Column();
    this.#values.set(name, column);
    return column;
  }

  /** Forgets what was logged after `step`: a run that goes on from there logs it anew. */
  truncateAfter(step: number): void {
    const rows = this.step.lowerBound(step + 1);
    if (rows === this.rows) return;
    this.#unchanged = Math.min(this.#unchanged, rows);
    for (const [, column] of this.columns()) {
      column.truncate(rows);
      forgetSmoothed(column);
    }
  }
}
