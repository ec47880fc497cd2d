/**
 * Training loops that a config can name: `trainConfig: { maxEpochs: 10, loop: { type: 'ValFirstLoop' } }`. The one that is built in needs no name. Another
 * one extends `TrainLoop`, or is anything that trains with what a loop is given.
 *
 *     declare module '@omma/engine' {
 *       interface TrainLoopTypes { ValFirstLoop: object }
 *     }
 *     trainLoops.register('ValFirstLoop', z.strictObject({}), () => (options) => new ValFirstLoop(options));
 */

import { Registry } from '../config/registry.ts';
import type { Batch } from '../data/types.ts';
import type { LoopEnd, TrainLoopOptions } from './trainLoop.ts';

/** Options of each loop by its name; extended by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface TrainLoopTypes {}

export interface TrainingLoop {
  /** Trains to the end of the plan, until a hook stops it, or until the signal. `first` are the batches of the epoch at which the progress is. */
  run(first: AsyncIterable<Batch>): Promise<LoopEnd>;
}

export const trainLoops = new Registry<TrainLoopTypes, (options: TrainLoopOptions) => TrainingLoop>(
  'training loop',
);
