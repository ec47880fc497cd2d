/**
 * A log line into what is known of the run. This is the one place that knows the format of log.jsonl (written by the engine's
 * LocalVisBackend); anybody's program may have written the file, so every field is looked at before it is used.
 */

import type { Table } from '../curves/table.ts';
import type { RunState } from './state.ts';

/** Pictures that are remembered; older ones stay on the disk. */
const mostImages = 5000;

export interface RunTables {
  /** Rows of logged iterations, and of evaluations. */
  readonly train: Table;
  readonly val: Table;
}

/** Takes one line in; its type, or null when it has none. */
export function reduceLine(line: string, state: RunState, tables: RunTables): string | null {
  const entry = parse(line);
  if (entry === null || typeof entry.type !== 'string') {
    state.damagedLines++;
    return null;
  }
  const time = typeof entry.time === 'string' ? Date.parse(entry.time) : Number.NaN;
  if (!Number.isNaN(time)) state.lastTime = time;
  const step = number(entry.iteration) ?? state.iteration;
  // Few iterations are logged: an evaluation or a checkpoint may stand beyond the last of them.
  state.iteration = Math.max(state.iteration, step);
  if (isOfSteps(entry.type)) {
    if (isRecord(entry.scalars)) tables.train.append(step, time, entry.scalars);
  } else reduceRare(entry, step, time, state, tables);
  return entry.type;
}

/** Whether lines of this type have numbers of a training step: those of every iteration, or those that a hook has logged. */
export function isOfSteps(type: string | null): boolean {
  return type === 'iteration' || type === 'scalars';
}

function reduceRare(
  entry: Record<string, unknown>,
  step: number,
  time: number,
  state: RunState,
  tables: RunTables,
): void {
  switch (entry.type) {
    case 'start':
      begin(entry, step, time, state, tables);
      return;
    case 'evaluation':
      if (isRecord(entry.metrics)) evaluated(entry.metrics, step, time, state, tables.val);
      return;
    case 'image':
      addImage(entry, step, time, state);
      return;
    case 'checkpoint':
      if (entry.best === true) state.bestCheckpoint = text(entry.path);
      return;
    case 'warning':
      state.warnings++;
      return;
    case 'end':
      state.outcome =
        entry.reason === 'interrupted' || entry.reason === 'stopped' ? entry.reason : 'finished';
      // A session with no step left to do has no start: what ended the one before is over all the same.
      state.failure = null;
      return;
    case 'failed':
      state.outcome = 'failed';
      state.failure = text(entry.message);
      return;
  }
}

/** A start: what an earlier session did beyond its iteration is done anew. */
function begin(
  entry: Record<string, unknown>,
  step: number,
  time: number,
  state: RunState,
  { train, val }: RunTables,
): void {
  train.truncateAfter(step);
  val.truncateAfter(step);
  const anew = step === 0;
  state.images = state.images.filter((image) => image.step <= step && !anew);
  state.metrics = anew ? {} : withoutAfter(state.metrics, val);
  state.started = anew ? time : (state.started ?? time);
  state.sessions = anew ? 1 : state.sessions + 1;
  state.outcome = 'open';
  state.failure = null;
  state.iteration = step;
  state.device = text(entry.device);
  state.precision = entry.amp === 'off' ? 'float32' : text(entry.amp);
  state.parameters = number(entry.parameters);
  state.maxEpochs = number(entry.maxEpochs);
  state.ranks = number(entry.ranks) ?? 1;
  state.iterationsPerEpoch = number(entry.iterationsPerEpoch);
  state.maxIterations =
    number(entry.maxIterations) ??
    (state.maxEpochs === null || state.iterationsPerEpoch === null
      ? null
      : state.maxEpochs * state.iterationsPerEpoch);
  state.config = entry.config ?? null;
  if (anew) state.bestCheckpoint = null;
}

function evaluated(
  metrics: Record<string, unknown>,
  step: number,
  time: number,
  state: RunState,
  table: Table,
): void {
  const numbers = Object.entries(metrics).flatMap(([name, value]) =>
    typeof value === 'number' ? [[name, value] as const] : [],
  );
  table.append(step, time, Object.fromEntries(numbers.map(([name, value]) => [`val/${name}`, value])));
  for (const [name, value] of numbers) noteMetric(state.metrics, name, value, step);
}

function noteMetric(metrics: RunState['metrics'], name: string, value: number, step: number): void {
  const known = metrics[name];
  const better = known === undefined || isBetter(name, value, known.best);
  metrics[name] = {
    last: value,
    lastStep: step,
    best: better ? value : known.best,
    bestStep: better ? step : known.bestStep,
  };
}

/** Whether `value` of a metric is better than `than`: losses and errors are good when they are small. */
export function isBetter(name: string, value: number, than: number): boolean {
  return /loss|error/i.test(name) ? value < than : value > than;
}

/** The metrics as the rows that are left have them. */
function withoutAfter(metrics: RunState['metrics'], val: Table): RunState['metrics'] {
  const left: RunState['metrics'] = {};
  for (const name of Object.keys(metrics)) {
    const column = val.column(`val/${name}`);
    if (column === undefined) continue;
    column.view().forEach((value, row) => {
      if (!Number.isNaN(value)) noteMetric(left, name, value, val.step.at(row));
    });
  }
  return left;
}

function addImage(entry: Record<string, unknown>, step: number, time: number, state: RunState): void {
  const [name, path] = [text(entry.name), text(entry.path)];
  if (name === null || path === null) return;
  state.images.push({
    step,
    time,
    name,
    path,
    caption: text(entry.caption) ?? '',
    correct: typeof entry.correct === 'boolean' ? entry.correct : null,
    width: number(entry.width) ?? 1,
    height: number(entry.height) ?? 1,
  });
  if (state.images.length > mostImages) state.images = state.images.slice(-mostImages);
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
