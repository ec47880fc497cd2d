/** Differences from MMEngine that are meant, each with the reason. */

interface Exception {
  readonly matches: RegExp;
  readonly reason: string;
}

const exceptions: readonly Exception[] = [];

/** Why a difference is meant; null when nobody meant it. */
export function explanationOf(difference: string, _theirs: unknown): string | null {
  return exceptions.find(({ matches }) => matches.test(difference))?.reason ?? null;
}
