/** How fast a run goes, and how much of the time the device waits for data: over the last steps, and over the epoch. */

interface Step {
  readonly seconds: number;
  readonly waited: number;
}

/** Steps that the moving averages look back. */
const window = 50;

export class Stopwatch {
  readonly #samplesPerStep: number;
  #recent: Step[] = [];
  #total = { steps: 0, seconds: 0, waited: 0 };

  constructor(samplesPerStep: number) {
    this.#samplesPerStep = samplesPerStep;
  }

  /** Notes a step that took `seconds`, of which the device had nothing to do for `waited`. */
  add(seconds: number, waited: number): void {
    this.#recent = [...this.#recent.slice(1 - window), { seconds, waited }];
    this.#total = {
      steps: this.#total.steps + 1,
      seconds: this.#total.seconds + seconds,
      waited: this.#total.waited + waited,
    };
  }

  get secondsPerStep(): number {
    return sum(this.#recent, 'seconds') / Math.max(1, this.#recent.length);
  }

  /** Over the last steps. */
  get recent(): { imagesPerSecond: number; dataWaitShare: number } {
    return this.#rates(this.#recent.length, sum(this.#recent, 'seconds'), sum(this.#recent, 'waited'));
  }

  /** Since the beginning. */
  get total(): { imagesPerSecond: number; dataWaitShare: number; seconds: number } {
    const { steps, seconds, waited } = this.#total;
    return { seconds, ...this.#rates(steps, seconds, waited) };
  }

  #rates(steps: number, seconds: number, waited: number): { imagesPerSecond: number; dataWaitShare: number } {
    if (seconds === 0) return { imagesPerSecond: 0, dataWaitShare: 0 };
    return {
      imagesPerSecond: (steps * this.#samplesPerStep) / seconds,
      dataWaitShare: Math.min(1, waited / seconds),
    };
  }
}

function sum(steps: readonly Step[], field: keyof Step): number {
  return steps.reduce((total, step) => total + step[field], 0);
}
