/** What the program and its threads tell each other. */

import type { Finding } from './runCase.ts';

/** In place of a case's number: the readers are being loaded, which is no case's time. */
export const notStarted = -1;
/** In place of a case's number: all are done. */
export const finished = -2;

export interface WorkerTask {
  readonly seed: number;
  readonly targets: readonly string[];
  /** First case, and one past the last. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
  /** Where the number of the case in hand is written, or one of the two below. */
  readonly current: SharedArrayBuffer;
}

/** What a worker tells: counts since its last message, and a finding. */
export interface WorkerReport {
  readonly cases: number;
  readonly refused: number;
  readonly finding: Finding | null;
}
