/**
 * The learning rate for the batch that a run really has: proportional to it (Goyal et al., Accurate, large minibatch SGD, 2017), as
 * MMEngine's `auto_scale_lr` does. Like there, accumulated batches do not count.
 */

import type { Config } from '../config/types.ts';

export interface AutoScaleLrConfig {
  readonly enable: boolean;
  /** Batch size, of all ranks together, that the config's learning rate is for. */
  readonly baseBatchSize: number;
}

/** `lr` for `samplesPerStep`, and a line for the user where it was changed. */
export function scaledRate(
  { autoScaleLr }: Pick<Config, 'autoScaleLr'>,
  lr: number,
  samplesPerStep: number,
): { lr: number; notice: string | null } {
  if (autoScaleLr?.enable !== true) return { lr, notice: null };
  const { baseBatchSize } = autoScaleLr;
  const scaled = (lr * samplesPerStep) / baseBatchSize;
  const notice = `learning rate ${scaled}: ${lr} scaled from batch size ${baseBatchSize} to ${samplesPerStep}`;
  return { lr: scaled, notice };
}
