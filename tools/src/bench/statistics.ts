/**
 * What is made of measured times. Noise on a machine only ever adds time, so a round is worth its fastest step; and a round may
 * be disturbed as a whole, so a row is worth the median of its rounds.
 */

/** The middle value; the mean of the two in the middle when their number is even. Null when there is none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

/** One number for several rounds: the median of each round's fastest step. Null when nothing was measured. */
export function summarize(rounds: readonly (readonly number[])[]): number | null {
  return median(fastestOfEach(rounds));
}

/** How far the rounds lie apart, as a share of their median: (slowest - fastest) / median. Null when nothing was measured. */
export function spread(rounds: readonly (readonly number[])[]): number | null {
  const fastest = fastestOfEach(rounds);
  const middle = median(fastest);
  return middle === null || middle === 0 ? null : (Math.max(...fastest) - Math.min(...fastest)) / middle;
}

/** ours / theirs: below 1 ours is faster (or smaller). Null where either is missing. */
export function ratioOf(ours: number | null, theirs: number | null): number | null {
  return ours === null || theirs === null || theirs === 0 ? null : ours / theirs;
}

function fastestOfEach(rounds: readonly (readonly number[])[]): number[] {
  return rounds.filter((round) => round.length > 0).map((round) => Math.min(...round));
}
