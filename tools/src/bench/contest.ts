/**
 * A contest: two sessions doing the same job in turns, a few steps a round, so that both meet the same machine: its clock, its
 * temperature, its neighbours. Who begins changes from round to round.
 */

import type { Reason, Side } from './row.ts';
import { type Session, SessionError } from './session.ts';

export interface Pace {
  readonly rounds: number;
  /** The least steps of each side in a round. */
  readonly steps: number;
  /** Short steps are repeated until a round takes about so long. */
  readonly roundMs: number;
}

/** Beyond it, more steps in a round tell nothing more. */
const mostSteps = 50;

/** A session, or why there is none. */
export type Contestant = Session | Reason;

export interface ContestResult {
  readonly ours: Side;
  readonly peer: Side;
}

/** Lets both sides work in turns. One that is missing, or fails on the way, has a reason in place of its rounds. */
export async function contest(ours: Contestant, peer: Contestant, pace: Pace): Promise<ContestResult> {
  const sides = { ours: new Turns(ours), peer: new Turns(peer) };
  for (let round = 0; round < pace.rounds; round++) {
    const order = round % 2 === 0 ? [sides.ours, sides.peer] : [sides.peer, sides.ours];
    for (const side of order) await side.take(pace);
  }
  return { ours: sides.ours.result(), peer: sides.peer.result() };
}

class Turns {
  readonly #rounds: (readonly number[])[] = [];
  #at: Contestant;
  /** Steps in a round; known once one was seen. */
  #steps: number | null = null;

  constructor(contestant: Contestant) {
    this.#at = contestant;
  }

  async take(pace: Pace): Promise<void> {
    if ('kind' in this.#at) return;
    try {
      this.#steps ??= stepsFor(pace, await this.#at.go(1));
      this.#rounds.push(await this.#at.go(this.#steps));
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      this.#at = error.reason;
    }
  }

  result(): Side {
    return 'kind' in this.#at ? { reason: this.#at } : { rounds: this.#rounds };
  }
}

/** Steps in a round, from the time of one. */
export function stepsFor(pace: Pace, [ms = pace.roundMs]: readonly number[]): number {
  return Math.max(pace.steps, Math.min(mostSteps, Math.ceil(pace.roundMs / ms)));
}
