/**
 * Curves as tables: vis_data/train.csv, a row every logged iteration, and vis_data/val.csv, a row an evaluation.
 *
 * Columns are `step`, `wallTime` and the numbers. A number that appears later gets a column: the file is rewritten then, which happens once. What an
 * earlier run wrote beyond the step from which this one goes on is taken out.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, writeAtomically } from '@omma/storage';
import { type LogEntry, type VisBackend, visDataDir } from './backend.ts';
import { appendLog, writingLog } from './files.ts';

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
    if (this.#start !== null) {
      for (const group of ['train', 'val']) await this.#table(group).begin(this.#start);
      this.#start = null;
    }
    for (const table of this.#tables.values()) await table.flush();
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
  readonly #path: string;
  #columns: string[] = ['step', 'wallTime'];
  #rows: string[] = [];
  /** True when the file's header is not `#columns`. */
  #headerIsOld = true;

  constructor(path: string) {
    this.#path = path;
  }

  add(step: number, time: number, row: Readonly<Record<string, number>>): void {
    for (const name of Object.keys(row)) {
      if (this.#columns.includes(name)) continue;
      this.#columns.push(name);
      this.#headerIsOld = true;
    }
    const numbers = this.#columns.slice(2).map((name) => (name in row ? String(row[name]) : ''));
    this.#rows.push([step, new Date(time).toISOString(), ...numbers].join(','));
  }

  /** Keeps the rows of an earlier run up to `step`. */
  async begin(step: number): Promise<void> {
    const [header, ...rows] = await this.#lines();
    if (header === undefined) return;
    const own = this.#columns.slice(2);
    // Rows noted before the file was looked at have the columns in the order in which they came.
    const known = parseHeader(header).slice(2);
    const added = own.filter((name) => !known.includes(name));
    this.#rows = this.#rows.map((row) => {
      const [at = '', time = '', ...values] = row.split(',');
      const value = (name: string) => values[own.indexOf(name)] ?? '';
      return [at, time, ...[...known, ...added].map(value)].join(',');
    });
    this.#columns = ['step', 'wallTime', ...known, ...added];
    await this.#rewrite(rows.filter((row) => Number.parseInt(row, 10) <= step));
  }

  async flush(): Promise<void> {
    if (this.#rows.length === 0) return;
    if (this.#headerIsOld) await this.#rewrite((await this.#lines()).slice(1));
    const rows = this.#rows.map((row) => `${row}\n`).join('');
    this.#rows = [];
    await appendLog(this.#path, rows);
  }

  async #rewrite(rows: readonly string[]): Promise<void> {
    const text = [this.#columns.map(quoted).join(','), ...rows].map((line) => `${line}\n`).join('');
    await writingLog(this.#path, () => writeAtomically(this.#path, [new TextEncoder().encode(text)]));
    this.#headerIsOld = false;
  }

  async #lines(): Promise<string[]> {
    try {
      return (await readFile(this.#path, 'utf8')).split('\n').filter((line) => line !== '');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}

/** A name as RFC 4180 wants it. */
function quoted(name: string): string {
  return /[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

function parseHeader(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain ?? '',
  );
}
