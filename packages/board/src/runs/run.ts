/** One run: its log read as far as it goes, and read on when it grows. */

import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Table } from '../curves/table.ts';
import { linesFrom } from './lines.ts';
import { isOfSteps, type RunTables, reduceLine } from './reduce.ts';
import { emptyState, type RunState } from './state.ts';
import { LineTemplate } from './template.ts';

export const logName = 'log.jsonl';

/** Bytes at the beginning of a log that tell it from another one. */
const headBytes = 512;

/** A log that has grown within this time belongs to a run that is alive, in milliseconds. */
const aliveFor = 5 * 60_000;
/** Forms of lines that are remembered: numbers that not every iteration has make some. */
const mostTemplates = 4;
/** Lines of iterations in a row that no form fitted; then one of as many becomes a form, because making one takes longer than parsing. */
const patience = 64;
/** Rows that room is made for at once. */
const mostReserved = 4_000_000;
/** Milliseconds that reading keeps everything else waiting. */
const longestWait = 30;

export type RunStatus = 'running' | 'silent' | 'finished' | 'stopped' | 'interrupted' | 'failed';

export interface SavedRun {
  readonly head: string;
  readonly offset: number;
  readonly state: RunState;
  readonly tables: RunTables;
}

export class Run {
  /** Its folder, and that relative to the folder that was searched. */
  readonly dir: string;
  readonly name: string;
  #state = emptyState();
  #tables: RunTables = { train: new Table(), val: new Table() };
  /** Forms that lines of iterations have had, the newest first. */
  #templates: readonly LineTemplate[] = [];
  #unlike = 0;
  #offset = 0;
  #head = '';
  #size = 0;
  #modified = 0;

  constructor(dir: string, name: string) {
    this.dir = dir;
    this.name = name;
  }

  get state(): Readonly<RunState> {
    return this.#state;
  }

  get tables(): RunTables {
    return this.#tables;
  }

  /** Bytes of the log that are read. */
  get offset(): number {
    return this.#offset;
  }

  get head(): string {
    return this.#head;
  }

  get logPath(): string {
    return join(this.dir, logName);
  }

  get size(): number {
    return this.#size;
  }

  get status(): RunStatus {
    const { outcome } = this.#state;
    if (outcome !== 'open') return outcome;
    return Date.now() - this.#modified < aliveFor ? 'running' : 'silent';
  }

  /** The curve of this name: its column and the table it is in. */
  curve(name: string): { readonly table: Table; readonly column: ReturnType<Table['column']> } {
    const table = this.#tables.val.column(name) === undefined ? this.#tables.train : this.#tables.val;
    return { table, column: table.column(name) };
  }

  get curveNames(): string[] {
    return [...this.#tables.train.names, ...this.#tables.val.names];
  }

  /** Takes what an index remembers, if it is of this log. */
  async restore(saved: SavedRun): Promise<boolean> {
    const { size } = await stat(this.logPath);
    if (size < saved.offset || (await headOf(this.logPath, saved.offset)) !== saved.head) return false;
    this.#state = saved.state;
    this.#tables = saved.tables;
    this.#templates = [];
    this.#offset = saved.offset;
    this.#head = saved.head;
    return true;
  }

  /** Reads what is new; true when there was something. `progress` hears of every piece. */
  async update(progress?: (run: Run) => void): Promise<boolean> {
    const { size, mtimeMs } = await stat(this.logPath);
    this.#modified = mtimeMs;
    if (size === this.#size && size >= this.#offset && this.#offset > 0) return false;
    if (
      size < this.#offset ||
      (this.#offset > 0 && (await headOf(this.logPath, this.#offset)) !== this.#head)
    )
      this.#forget();
    this.#size = size;
    const before = this.#offset;
    let breath = performance.now();
    for await (const { bytes, offset } of linesFrom(this.logPath, this.#offset)) {
      this.#take(bytes);
      this.#offset = offset;
      progress?.(this);
      // Whoever waits for an answer gets it in between.
      if (performance.now() - breath < longestWait) continue;
      await new Promise((done) => setImmediate(done));
      breath = performance.now();
    }
    if (this.#offset !== before) this.#head = await headOf(this.logPath, this.#offset);
    return this.#offset !== before;
  }

  #take(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const template of this.#templates) template.open(bytes, view);
    for (let start = 0; start < bytes.length; ) {
      const next = this.#matched(start);
      if (next >= 0) {
        start = next;
        continue;
      }
      const end = bytes.indexOf(10, start);
      if (end > start) this.#parse(bytes.toString('utf8', start, end), bytes, view);
      start = end + 1;
    }
    this.#noteLastRow();
  }

  /** Templates fill the table alone. */
  #noteLastRow(): void {
    const { step, time, rows } = this.#tables.train;
    this.#state.iteration = Math.max(this.#state.iteration, step.at(rows - 1) || 0);
    this.#state.lastTime = Math.max(this.#state.lastTime ?? 0, time.at(rows - 1) || 0);
  }

  /** Where the next line begins, when one of the templates reads this one; else -1. */
  #matched(start: number): number {
    for (const template of this.#templates) {
      const next = template.read(start);
      if (next < 0) continue;
      this.#unlike = 0;
      return next;
    }
    return -1;
  }

  /** A line of another form than the ones before; the lines that come may be like it. */
  #parse(line: string, bytes: Buffer, view: DataView): void {
    const { train } = this.#tables;
    this.#noteLastRow();
    if (!isOfSteps(reduceLine(line, this.#state, this.#tables))) return;
    if (++this.#unlike > patience && this.#unlike % patience !== 0) return;
    const template = LineTemplate.from(line, train);
    if (template === null) return;
    template.open(bytes, view);
    // As if the rest of the log were such lines; not without bound, because it may be anything.
    const rows = Math.ceil((this.#size - this.#offset) / (line.length + 1));
    train.reserve(train.rows + Math.min(rows, mostReserved));
    this.#templates = [template, ...this.#templates].slice(0, mostTemplates);
  }

  #forget(): void {
    this.#state = emptyState();
    this.#tables = { train: new Table(), val: new Table() };
    this.#templates = [];
    this.#offset = 0;
  }
}

/** A fingerprint of the first bytes, of at most the `offset` that were read. */
async function headOf(path: string, offset: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, Math.min(headBytes, offset), 0);
    return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex');
  } finally {
    await file.close();
  }
}
