/** Differences from MMEngine that are meant, each with the reason. */

interface Exception {
  readonly matches: RegExp;
  readonly reason: string;
}

const exceptions: readonly Exception[] = [
  {
    matches: /^Omma refuses it: .*: expected a float, or a whole number below 2\^53$/,
    reason: 'a whole number beyond 2^53, which JSON and TypeScript would round; Omma refuses it',
  },
];

/** Why a difference is meant; null when nobody meant it. */
export function explanationOf(difference: string): string | null {
  return exceptions.find(({ matches }) => matches.test(difference))?.reason ?? null;
}
