/** Runs of the tiny model, for tests: train a config in a folder of its own, and read what it left. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Config,
  type EndEvent,
  loadCheckpoint,
  Runner,
  type RunnerEvent,
  type RunnerOptions,
} from '../../src/index.ts';
import { tinyConfig } from './tiny.ts';

export const temporary = () => mkdtemp(join(tmpdir(), 'omma-'));

export interface Trained {
  readonly events: RunnerEvent[];
  readonly end: EndEvent;
}

/** Trains the tiny config with `changes`, in a new folder unless they name one. */
export async function trainTiny(
  changes: Partial<Config> = {},
  options: RunnerOptions = {},
): Promise<Trained> {
  const events: RunnerEvent[] = [];
  const workDir = changes.workDir ?? (await temporary());
  const runner = await Runner.create(
    { ...tinyConfig(workDir), ...changes },
    {
      ...options,
      onEvent: (event) => {
        events.push(event);
        options.onEvent?.(event);
      },
    },
  );
  try {
    return { events, end: await runner.train() };
  } finally {
    await runner.dispose();
  }
}

/** The numbers of a checkpoint by name. */
export async function numbersOf(path: string | null): Promise<Record<string, number[]>> {
  const { tensors } = await loadCheckpoint(path ?? '');
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
}

/** The events of one type. */
export function eventsOf<T extends RunnerEvent['type']>(events: readonly RunnerEvent[], type: T) {
  return events.filter((event): event is Extract<RunnerEvent, { type: T }> => event.type === type);
}

/** Trains the tiny config with `changes`, interrupted after step `stopAt` and resumed. */
export async function interruptedAndResumed(changes: Partial<Config>, stopAt: number): Promise<Trained> {
  const workDir = await temporary();
  const abort = new AbortController();
  const { end } = await trainTiny(
    { ...changes, workDir },
    {
      signal: abort.signal,
      onEvent: (event) => event.type === 'iteration' && event.iteration === stopAt && abort.abort(),
    },
  );
  if (end.reason !== 'interrupted') throw new Error(`the run ended as ${end.reason}`);
  return trainTiny({ ...changes, workDir }, { resume: true });
}
