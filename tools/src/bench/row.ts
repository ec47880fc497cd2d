/** A row of the benchmark's table: what both sides needed for one job, or why a number is missing. */

import { ratioOf, spread, summarize } from './statistics.ts';

/**
 * Why a number is missing. `missing`: a program, a package or data is not there. `unsupported`: this processor or version does not
 * offer it. `failed`: it was tried and went wrong.
 */
export interface Reason {
  readonly kind: 'missing' | 'unsupported' | 'failed';
  readonly text: string;
}

/** The names are those of `--json`. Times are of one step, or of the whole run where the row's name says so. */
export interface Row {
  readonly name: string;
  readonly ours_ms: number | null;
  readonly peer: string | null;
  readonly peer_ms: number | null;
  /** ours / peer: of the times, or of what else the row measures. */
  readonly ratio: number | null;
  /** Memory rows: peak resident memory. */
  readonly ours_mib?: number | null;
  readonly peer_mib?: number | null;
  /** Traffic rows: bytes that one step moves. */
  readonly ours_bytes?: number | null;
  /** Training runs: validation accuracy in percent. */
  readonly ours_top1?: number | null;
  readonly peer_top1?: number | null;
  /** (slowest - fastest round) / median. */
  readonly ours_spread?: number | null;
  readonly peer_spread?: number | null;
  /** What the peer chose: its memory format. */
  readonly detail?: string;
  readonly ours_reason?: Reason;
  readonly peer_reason?: Reason;
}

/** What one side has to say for a row: its rounds, or why there are none. */
export type Side = { readonly rounds: readonly (readonly number[])[] } | { readonly reason: Reason };

/** The peer's name and its side. `peer` null: the row has no peer. */
export interface PeerSide {
  readonly peer: string | null;
  readonly side: Side | null;
  readonly detail?: string;
}

/** A row of times. */
export function timeRow(name: string, ours: Side, { peer, side, detail }: PeerSide): Row {
  const oursMs = 'rounds' in ours ? summarize(ours.rounds) : null;
  const peerMs = side !== null && 'rounds' in side ? summarize(side.rounds) : null;
  return {
    name,
    ours_ms: oursMs,
    peer,
    peer_ms: peerMs,
    ratio: ratioOf(oursMs, peerMs),
    ...('rounds' in ours ? { ours_spread: spread(ours.rounds) } : { ours_reason: ours.reason }),
    ...(side === null
      ? {}
      : 'rounds' in side
        ? { peer_spread: spread(side.rounds) }
        : { peer_reason: side.reason }),
    ...(detail === undefined || detail === '' ? {} : { detail }),
  };
}
