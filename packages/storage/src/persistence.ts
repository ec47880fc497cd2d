/** Asking a server again: failures that pass by themselves (it is busy, a connection breaks) end no training run. */

import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '@omma/core';
import pRetry from 'p-retry';

/** A failure that may have passed when the same is asked again. */
export class PassingFailure extends StoreError {
  /** Milliseconds that the server asks to wait; null where it does not say. */
  readonly wait: number | null;

  constructor(message: string, wait: number | null = null) {
    super(message);
    this.wait = wait;
  }
}

export interface Persistence {
  /** Times that it is asked again. */
  readonly retries: number;
  /** Milliseconds before the first of them, between this and twice as much; each waits three times as long as the one before. */
  readonly firstPause: number;
}

/** In all some 10 seconds: longer than a server takes to start anew, shorter than anybody waits for a message. */
export const standardPersistence: Persistence = { retries: 4, firstPause: 150 };

/** Waits that servers ask for are cut here; so is all of it. */
const longestWait = 30_000;
const longestTime = 60_000;

/** What all requests of this thread to one server know of it. */
export interface ServerState {
  /** How many of them were given up. Those that were under way then are not asked again: each would wait as long for the same. */
  givenUp: number;
}

const servers = new Map<string, ServerState>();

/** Of the server of a location, `https://host/path` or `s3://bucket/key`. */
export function serverOf(location: string): ServerState {
  const server = /^\w+:\/\/[^/]*/.exec(location)?.[0] ?? location;
  const state = servers.get(server) ?? { givenUp: 0 };
  servers.set(server, state);
  return state;
}

/** What `work` gives, which is begun again where it fails with a `PassingFailure`. A StoreError, which says how often, where it always does. */
export async function persistently<T>(
  work: () => Promise<T>,
  server: ServerState,
  persistence = standardPersistence,
): Promise<T> {
  let tries = 0;
  const before = server.givenUp;
  const isGivenUp = () => server.givenUp > before;
  try {
    return await pRetry(
      () => {
        tries++;
        return work();
      },
      {
        retries: persistence.retries,
        minTimeout: persistence.firstPause,
        factor: 3,
        randomize: true,
        maxRetryTime: longestTime,
        shouldRetry: ({ error }) => error instanceof PassingFailure && !isGivenUp(),
        onFailedAttempt: async ({ error, retriesLeft }) => {
          const wait = error instanceof PassingFailure && retriesLeft > 0 && !isGivenUp() ? error.wait : null;
          if (wait !== null) await pause(Math.min(wait, longestWait));
        },
      },
    );
  } catch (error) {
    if (error instanceof StoreError) server.givenUp++;
    if (!(error instanceof PassingFailure) || tries === 1) throw error;
    throw new StoreError(`${error.message} (tried ${tries} times)`);
  }
}

/**
 * The same for work that goes on where it stopped. Failures count as long as it comes no further than it ever was: a server that always begins anew, and
 * always breaks off at the same place, is given up, and a line that breaks now and then is not.
 */
export async function resumed(
  work: () => Promise<void>,
  reached: () => number,
  server: ServerState,
  persistence = standardPersistence,
): Promise<void> {
  let furthest = reached();
  const isDone = async (): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      const isFurther = reached() > furthest;
      furthest = Math.max(furthest, reached());
      if (!isFurther || !(error instanceof PassingFailure)) throw error;
      return false;
    }
  };
  while (!(await persistently(isDone, server, persistence))) await pause(persistence.firstPause);
}
