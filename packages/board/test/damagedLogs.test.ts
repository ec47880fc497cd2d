/** Logs with damage at random places, the same ones every time: what the quick way through a log reads is what JSON.parse reads, line by line. */

import { describe, expect, it } from 'vitest';
import { Run } from '../src/index.ts';
import { iteration, temporary, writeRun } from './support/logs.ts';

const cases = 400;
const lines = Array.from({ length: 60 }, (_, i) =>
  iteration(i + 1, 1 / (i + 1), { 'train/lr': i % 5 === 0 ? null : 1e-5 * i, 'train/memory': 100 + i }),
);
const sound = Buffer.from(lines.join(''));
/** What breaks numbers, words and structure. */
const alphabet = Buffer.from('0123456789.eE+-"{}:,nul\n \\x');

/** Whole numbers below `bound`, the same every time. */
function dice(): (bound: number) => number {
  let state = 7;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % bound;
  };
}

interface Expected {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly damaged: number;
}

/** What the log says, by JSON.parse alone. */
function parsed(log: Buffer): Expected {
  const rows: Record<string, unknown>[] = [];
  let damaged = 0;
  let newest = 0;
  for (const text of log.toString('utf8').split('\n').slice(0, -1)) {
    if (text === '') continue;
    const entry = entryOf(text);
    if (entry === null || typeof entry.type !== 'string') {
      damaged++;
      continue;
    }
    const step = typeof entry.iteration === 'number' ? entry.iteration : newest;
    newest = Math.max(newest, step);
    const { scalars, time } = entry;
    if (entry.type !== 'iteration' || !isRecord(scalars)) continue;
    rows.push({ ...scalars, step, time: typeof time === 'string' ? Date.parse(time) : Number.NaN });
  }
  return { rows, damaged };
}

function entryOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('a log that is damaged', () => {
  it('is read as JSON.parse reads it', async () => {
    const next = dice();
    const root = temporary();
    for (let number = 0; number < cases; number++) {
      const log = Buffer.from(sound);
      for (let damage = 0; damage <= next(4); damage++)
        log[next(log.length)] = next(3) === 0 ? next(256) : (alphabet[next(alphabet.length)] ?? 0);
      const run = new Run(writeRun(root, 'run', log), 'run');
      await run.update();
      const { rows, damaged } = parsed(log);
      const { train } = run.tables;
      expect([number, train.rows, run.state.damagedLines]).toEqual([number, rows.length, damaged]);
      for (const [name, column] of train.columns()) {
        rows.forEach((row, i) => {
          const wanted = typeof row[name] === 'number' ? row[name] : Number.NaN;
          const found = column.at(i);
          // A unit or two in the last place, which numbers of many digits may be off.
          const near = Object.is(found, wanted) || Math.abs(found - wanted) <= Math.abs(wanted) * 2 ** -51;
          if (!near) expect([number, i, name, found]).toEqual([number, i, name, wanted]);
        });
      }
    }
  });
});
