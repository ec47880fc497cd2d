/** The known name that a misspelt, shortened or half-remembered one probably means. */

/** The closest of `names` by edit distance or, where none is close, by the words that both are made of, ignoring case; null when none is close. */
export function nearest(name: string, names: readonly string[]): string | null {
  return misspelt(name, names) ?? reworded(name, names);
}

function misspelt(name: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    // Of three letters, two may be exchanged (SDG) but not replaced.
    if (name.length <= 3 && distance > 1 && lettersOf(name) !== lettersOf(candidate)) continue;
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function lettersOf(name: string): string {
  return [...name.toLowerCase()].sort().join('');
}

/** The share of two names' letters that lie in common words and makes one name stand for the other. */
const enough = 0.5;

/** `Subset` for SubsetDataset, `SWA` for StochasticWeightAverage, `maxKeepCkpts` for maxKeep. Of equals the first. */
function reworded(name: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let bestLikeness = 0;
  for (const candidate of names) {
    const found = likeness(name, candidate);
    if (found >= enough && found > bestLikeness) {
      best = candidate;
      bestLikeness = found;
    }
  }
  return best;
}

/** 0 for nothing in common. Initials, and a name all of whose words the other one has, count more than any share of the letters. */
function likeness(name: string, candidate: string): number {
  const [own, others] = [wordsOf(name), wordsOf(candidate)];
  const [short, long] = [own.join(''), others.join('')];
  if (short.length < 3) return 0;
  if (others.length >= 3 && short === others.map((word) => word.charAt(0)).join('')) return 3;
  const common = commonLetters(own, others);
  const begins = own[0] === others[0] ? 0.5 : 0;
  if (common === short.length || (short.length >= 4 && long.includes(short))) return 2 + begins;
  return (2 * common) / (short.length + long.length);
}

/** `maxKeepCkpts`, `max_keep_ckpts`: max, keep, ckpts; `OneCycleLR`: one, cycle, lr. */
function wordsOf(name: string): string[] {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((word) => word.toLowerCase());
}

/** Letters of the words that two names have in common, in the same order. */
function commonLetters(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, () => 0);
  for (const word of a) {
    const next = [0];
    b.forEach((other, j) => {
      const taken = word === other ? (row[j] ?? 0) + word.length : 0;
      next.push(Math.max(taken, row[j + 1] ?? 0, next[j] ?? 0));
    });
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
