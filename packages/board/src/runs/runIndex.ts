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

const version = 3;
/** Rows in a piece of a column. */
const chunkRows = 65_536;
/** A log with fewer bytes is read faster than its index. */
const leastBytes = 4_000_000;
/** Older locks were left by a process that is gone, in milliseconds; none is held for long. */
const staleLock = 60_000;

const runRow = z.object({ head: z.string(), offset: z.number(), state: z.string() });
const chunkRow = z.object({ name: z.string(), data: z.instanceof(Uint8Array) });

export class RunIndex {
  readonly #path: string;
  /** Null until there is something to remember: looking for runs leaves nothing in a folder that has none. */
  #database: DatabaseType | null = null;
  /** Folders of the runs that are in it. */
  readonly #dirs = new Set<string>();

  private constructor(path: string) {
    this.#path = path;
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) this.#open();
  }

  /** The index of the runs under `root`, or null where none can be kept: the folder is read-only, or another process has it. */
  static open(root: string): RunIndex | null {
    const path = join(root, '.omma', 'runs.sqlite');
    // A mistyped folder must not come into being.
    if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) return null;
    try {
      return new RunIndex(path);
    } catch {
      return null;
    }
  }

  #open(): DatabaseType {
    mkdirSync(dirname(this.#path), { recursive: true });
    removeStaleLock(`${this.#path}.lock`);
    this.#database = opened(this.#path);
    for (const row of this.#database.all('SELECT dir FROM runs')) this.#dirs.add(String(row.dir));
    return this.#database;
  }

  /** What is remembered of the run in this folder. */
  load(dir: string): SavedRun | null {
    // Every question takes the lock of the file, and most runs are not in it.
    if (!this.#dirs.has(dir)) return null;
    return this.#guarded((database) => {
      const found = runRow.safeParse(
        database.get('SELECT head, offset, state FROM runs WHERE dir = ?', [dir]),
      );
      if (!found.success) return null;
      const { head, offset, state } = found.data;
      const tables = { train: loadTable(database, dir, 'train'), val: loadTable(database, dir, 'val') };
      return { head, offset, state: runStateSchema.parse(JSON.parse(state)), tables };
    });
  }

  /** Remembers a run, if that is worth it. Only what is new of its curves is written. */
  save(run: Run): void {
    if (run.offset < leastBytes) return;
    this.#guarded((database) => {
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const [name, table] of Object.entries(run.tables)) saveTable(database, run.dir, name, table);
        database.run('INSERT OR REPLACE INTO runs (dir, head, offset, state) VALUES (?, ?, ?, ?)', [
          run.dir,
          run.head,
          run.offset,
          JSON.stringify(run.state),
        ]);
        database.exec('COMMIT');
        this.#dirs.add(run.dir);
        for (const table of Object.values(run.tables)) table.markSaved();
      } catch (error) {
        if (database.inTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Forgets the runs that are not in these folders. */
  prune(dirs: readonly string[]): void {
    if (this.#database === null) return;
    this.#guarded((database) => {
      const kept = new Set(dirs);
      for (const dir of [...this.#dirs].filter((each) => !kept.has(each))) {
        this.#dirs.delete(dir);
        for (const table of ['runs', 'chunks']) database.run(`DELETE FROM ${table} WHERE dir = ?`, [dir]);
      }
    });
  }

  close(): void {
    this.#database?.close();
  }

  /** An index that cannot be used is as good as none. */
  #guarded<T>(work: (database: DatabaseType) => T): T | null {
    try {
      return work(this.#database ?? this.#open());
    } catch {
      return null;
    }
  }
}

function loadTable(database: DatabaseType, dir: string, kind: string): Table {
  const table = new Table();
  const rows = database.all('SELECT name, data FROM chunks WHERE dir = ? AND kind = ? ORDER BY name, chunk', [
    dir,
    kind,
  ]);
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

function saveTable(database: DatabaseType, dir: string, kind: string, table: Table): void {
  const first = Math.floor(table.unchangedRows / chunkRows);
  database.run('DELETE FROM chunks WHERE dir = ? AND kind = ? AND chunk >= ?', [dir, kind, first]);
  for (const [name, column] of table.columns()) {
    column.pad(table.rows);
    for (let chunk = first; chunk * chunkRows < table.rows; chunk++) {
      const part = column.view(chunk * chunkRows, (chunk + 1) * chunkRows);
      const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
      database.run('INSERT INTO chunks (dir, kind, name, chunk, data) VALUES (?, ?, ?, ?, ?)', [
        dir,
        kind,
        name,
        chunk,
        bytes,
      ]);
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
