/**
 * The index of runs: an SQLite file with what reading the logs gave, so that a log of a million points is read once. Logs stay the truth: the
 * file may be deleted at any time, and is made anew when it does not fit.
 */

import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sqlite, { type Database as DatabaseType } from 'node-sqlite3-wasm';
import { z } from 'zod';
import { Table } from '../curves/table.ts';
import type { Run, SavedRun } from './run.ts';
import { runStateSchema } from './state.ts';

const version = 2;
/** Rows in a piece of a column. */
const chunkRows = 65_536;
/** A log with fewer bytes is read faster than its index. */
const leastBytes = 4_000_000;
/** Older locks were left by a process that is gone, in milliseconds; none is held for long. */
const staleLock = 60_000;

const runRow = z.object({ head: z.string(), offset: z.number(), state: z.string() });
const chunkRow = z.object({ name: z.string(), data: z.instanceof(Uint8Array) });

export class RunIndex {
  readonly #database: DatabaseType;
  /** Folders of the runs that are in it. */
  readonly #dirs: Set<string>;

  private constructor(database: DatabaseType) {
    this.#database = database;
    this.#dirs = new Set(database.all('SELECT dir FROM runs').map((row) => String(row.dir)));
  }

  /** The index of the runs under `root`, or null where none can be kept: the folder is read-only, or another process has it. */
  static open(root: string): RunIndex | null {
    const path = join(root, '.omma', 'runs.sqlite');
    // A mistyped folder must not come into being.
    if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) return null;
    try {
      mkdirSync(dirname(path), { recursive: true });
      removeStaleLock(`${path}.lock`);
      return new RunIndex(opened(path));
    } catch {
      return null;
    }
  }

  /** What is remembered of the run in this folder. */
  load(dir: string): SavedRun | null {
    // Every question takes the lock of the file, and most runs are not in it.
    if (!this.#dirs.has(dir)) return null;
    return this.#guarded(() => {
      const found = runRow.safeParse(
        this.#database.get('SELECT head, offset, state FROM runs WHERE dir = ?', [dir]),
      );
      if (!found.success) return null;
      const { head, offset, state } = found.data;
      const tables = { train: this.#loadTable(dir, 'train'), val: this.#loadTable(dir, 'val') };
      return { head, offset, state: runStateSchema.parse(JSON.parse(state)), tables };
    });
  }

  /** Remembers a run, if that is worth it. Only what is new of its curves is written. */
  save(run: Run): void {
    if (run.offset < leastBytes) return;
    this.#guarded(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        for (const [name, table] of Object.entries(run.tables)) this.#saveTable(run.dir, name, table);
        this.#database.run('INSERT OR REPLACE INTO runs (dir, head, offset, state) VALUES (?, ?, ?, ?)', [
          run.dir,
          run.head,
          run.offset,
          JSON.stringify(run.state),
        ]);
        this.#database.exec('COMMIT');
        this.#dirs.add(run.dir);
        for (const table of Object.values(run.tables)) table.markSaved();
      } catch (error) {
        if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Forgets the runs that are not in these folders. */
  prune(dirs: readonly string[]): void {
    this.#guarded(() => {
      const kept = new Set(dirs);
      for (const dir of [...this.#dirs].filter((each) => !kept.has(each))) {
        this.#dirs.delete(dir);
        for (const table of ['runs', 'chunks'])
          this.#database.run(`DELETE FROM ${table} WHERE dir = ?`, [dir]);
      }
    });
  }

  close(): void {
    this.#database.close();
  }

  #loadTable(dir: string, kind: string): Table {
    const table = new Table();
    const rows = this.#database.all(
      'SELECT name, data FROM chunks WHERE dir = ? AND kind = ? ORDER BY name, chunk',
      [dir, kind],
    );
    for (const row of rows) {
      const { name, data } = chunkRow.parse(row);
      const column =
        name === 'step'
          ? table.step
          : name === 'time'
            ? table.time
            : (table.column(name) ?? table.addColumn(name));
      column.append(new Float64Array(data.slice().buffer));
    }
    for (const [, column] of table.columns()) column.pad(table.rows);
    table.markSaved();
    return table;
  }

  #saveTable(dir: string, kind: string, table: Table): void {
    const first = Math.floor(table.unchangedRows / chunkRows);
    this.#database.run('DELETE FROM chunks WHERE dir = ? AND kind = ? AND chunk >= ?', [dir, kind, first]);
    for (const [name, column] of table.columns()) {
      column.pad(table.rows);
      for (let chunk = first; chunk * chunkRows < table.rows; chunk++) {
        const part = column.view(chunk * chunkRows, (chunk + 1) * chunkRows);
        const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
        this.#database.run('INSERT INTO chunks (dir, kind, name, chunk, data) VALUES (?, ?, ?, ?, ?)', [
          dir,
          kind,
          name,
          chunk,
          bytes,
        ]);
      }
    }
  }

  /** An index that cannot be used is as good as none. */
  #guarded<T>(work: () => T): T | null {
    try {
      return work();
    } catch {
      return null;
    }
  }
}

function opened(path: string): DatabaseType {
  try {
    return prepared(new sqlite.Database(path));
  } catch (error) {
    // Another process is writing: its file is not ours to take away.
    if (error instanceof Error && error.message.includes('locked')) throw error;
    // Damaged.
    rmSync(path, { force: true });
    return prepared(new sqlite.Database(path));
  }
}

function prepared(database: DatabaseType): DatabaseType {
  try {
    database.exec('PRAGMA busy_timeout = 2000; PRAGMA synchronous = NORMAL');
    const found = database.get('PRAGMA user_version');
    if (found !== null && Number(found.user_version) !== version) {
      database.exec(`
        DROP TABLE IF EXISTS runs;
        DROP TABLE IF EXISTS chunks;
        CREATE TABLE runs (dir TEXT PRIMARY KEY, head TEXT, offset INTEGER, state TEXT);
        CREATE TABLE chunks (dir TEXT, kind TEXT, name TEXT, chunk INTEGER, data BLOB,
                             PRIMARY KEY (dir, kind, name, chunk));
        PRAGMA user_version = ${version};
      `);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function removeStaleLock(path: string): void {
  const lock = statSync(path, { throwIfNoEntry: false });
  if (lock !== undefined && Date.now() - lock.mtimeMs > staleLock) rmSync(path, { recursive: true });
}
