/** What is fuzzed: a reader of files, seeds that it takes, and damage that knows their structure. */

import type { Dice } from './dice.ts';

export interface Target {
  readonly name: string;
  /** Sound files, from which cases are made. Made once. */
  seeds(): Promise<readonly Uint8Array[]>;
  /** A case out of a seed. */
  damage(seed: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array;
  /** Reads the case as a user's program would: it may return, or throw an OmmaError. */
  run(bytes: Uint8Array): Promise<void>;
}
