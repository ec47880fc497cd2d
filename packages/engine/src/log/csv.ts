/**
 * Curves as tables: vis_data/train.csv, a row every logged iteration, and vis_data/val.csv, a row an evaluation; a file for each other group of curves.
 *
 * Columns are `step`, `wallTime` and the numbers. A number that appears later gets a column: the file is rewritten then, which happens once. What an
 * earlier run wrote beyond the step from which this one goes on is taken out.
 */

import { join } from 'node:path';
import { type LogEntry, type VisBackend, visDataDir } from './backend.ts';
import { CsvFile } from './csvFile.ts';

export class CsvVisBackend implements VisBackend {
  readonly #dir: string;
  readonly #tables = new Map<string, CsvTable>();
  #start: number | null = null;

  constructor({ workDir }: { readonly workDir: string }) {
    this.#dir = visDataDir(workDir);
  }

  add({ time, step, event, scalars }: LogEntry): void {
    if (event.type === 'start') this.#start = event.iteration;
    const rows = new Map<string, Record<string, number>>();
    for (const [name, value] of Object.entries(scalars)) {
      const slash = name.indexOf('/');
      const row = rows.get(name.slice(0, slash)) ?? {};
      row[name.slice(slash + 1)] = value;
      rows.set(name.slice(0, slash), row);
    }
    for (const [group, row] of rows) this.#table(group).add(step, time, row);
  }

  async flush(): Promise<void> {
    if (this.#start === null) return;
    // Those of an earlier run are taken up, also when nothing is to be added to them yet.
    for (const group of ['train', 'val']) this.#table(group);
    for (const table of this.#tables.values()) await table.flush(this.#start);
  }

  #table(group: string): CsvTable {
    let table = this.#tables.get(group);
    if (table === undefined) {
      table = new CsvTable(join(this.#dir, `${group}.csv`));
      this.#tables.set(group, table);
    }
    return table;
  }
}

class CsvTable {
  readonly #file: CsvFile;
  readonly #names = ['step', 'wallTime'];
  #rows: string[][] = [];
  #begun = false;

  constructor(path: string) {
    this.#file = new CsvFile(path);
  }

  add(step: number, time: number, row: Readonly<Record<string, number>>): void {
    for (const name of Object.keys(row)) if (!this.#names.includes(name)) this.#names.push(name);
    const numbers = this.#names.slice(2).map((name) => (name in row ? String(row[name]) : ''));
    this.#rows.push([String(step), new Date(time).toISOString(), ...numbers]);
  }

  /** Of an earlier run's rows those up to `start` stay. */
  async flush(start: number): Promise<void> {
    if (!this.#begun) await this.#file.begin(start);
    this.#begun = true;
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    this.#rows = [];
    await this.#file.append(this.#names, rows);
  }
}
