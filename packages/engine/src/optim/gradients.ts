/** What happens to gradients between the backward pass and the optimiser, from `optimWrapper.clipGrad` and `optimWrapper.lossScale`. */

import type { LossScaleOptions, Tensor } from '@omma/core';
import { clipGradNorm, clipGradValue } from '@omma/nn';

export type ClipGradConfig =
  | {
      readonly type?: 'norm';
      /** The norm of all gradients together is brought down to this. */
      readonly maxNorm: number;
      /** The p of the norm: 2 unless given; 'inf' is the largest magnitude. */
      readonly normType?: number | 'inf';
    }
  | {
      readonly type: 'value';
      /** Every element is brought into [-clipValue, clipValue]. */
      readonly clipValue: number;
    };

/** Torch's GradScaler, in its names. A number is a scale that stays. */
export type LossScaleConfig =
  | 'dynamic'
  | number
  | {
      /** 2^16 unless given. */
      readonly initScale?: number;
      /** After `growthInterval` (2000) finite steps in a row; 2 unless given. */
      readonly growthFactor?: number;
      /** After an overflow; 0.5 unless given. */
      readonly backoffFactor?: number;
      readonly growthInterval?: number;
    };

/** Clipped gradients, and their norm before where they are clipped by it. Inside `trace`. */
export function clipped(
  gradients: readonly Tensor[],
  config: ClipGradConfig | null,
): { gradients: readonly Tensor[]; norm: Tensor | null } {
  if (config === null) return { gradients, norm: null };
  if (config.type === 'value') return { gradients: clipGradValue(gradients, config.clipValue), norm: null };
  const { maxNorm, normType = 2 } = config;
  return clipGradNorm(gradients, maxNorm, normType === 'inf' ? Number.POSITIVE_INFINITY : normType);
}

/** The loss scale that a config asks for. */
export function lossScaleOptions(config: LossScaleConfig = 'dynamic'): LossScaleOptions {
  if (config === 'dynamic') return {};
  if (typeof config === 'number') return { initial: config, growth: 1, backoff: 1 };
  return Object.fromEntries(
    Object.entries({
      initial: config.initScale,
      growth: config.growthFactor,
      backoff: config.backoffFactor,
      interval: config.growthInterval,
    }).filter(([, value]) => value !== undefined),
  );
}
