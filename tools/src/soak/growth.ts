/** What samples of memory over a run say: how much there was in each third, and how fast it grew once everything had settled. */

/** Memory of the process after so many steps, in MB (10^6 bytes). */
export interface MemorySample {
  readonly step: number;
  readonly seconds: number;
  /** Resident: code, libraries, native memory, the heaps of all threads. */
  readonly rss: number;
  /** Of the resident memory what is no file's, and what of it was swapped out: a busy machine may take back pages of libraries, and give them again. */
  readonly own: number;
  /** JavaScript objects of the main thread that are still reachable. */
  readonly heap: number;
  /** Array buffers and other memory that JavaScript objects own outside of the heap. */
  readonly external: number;
  /** Files, sockets, pipes that are open; null where there is no /proc. */
  readonly files: number | null;
}

export type MemoryKind = 'rss' | 'own' | 'heap' | 'external';

export interface Growth {
  /** Mean of each third of the samples. */
  readonly thirds: readonly [number, number, number];
  /** MB for every 100,000 steps, over the last two thirds: in the first one caches and pools fill up. */
  readonly slope: number;
}

/** Null with fewer than six samples: no third would have more than one. */
export function growthOf(samples: readonly MemorySample[], kind: MemoryKind): Growth | null {
  if (samples.length < 6) return null;
  const cut = (third: number) => Math.round((samples.length * third) / 3);
  const mean = (third: number) => {
    const part = samples.slice(cut(third), cut(third + 1));
    return part.reduce((sum, sample) => sum + sample[kind], 0) / part.length;
  };
  return { thirds: [mean(0), mean(1), mean(2)], slope: slopeOf(samples.slice(cut(1)), kind) };
}

/** The median of the slopes between all pairs (Theil and Sen): one sample taken in the middle of a collection or a checkpoint moves it little. */
function slopeOf(samples: readonly MemorySample[], kind: MemoryKind): number {
  const slopes = samples.flatMap((a, i) =>
    samples.slice(i + 1).map((b) => (1e5 * (b[kind] - a[kind])) / (b.step - a.step)),
  );
  slopes.sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] ?? Number.NaN;
}
