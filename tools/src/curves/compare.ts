/**
 * Two curves of one config on two devices: are they the same but for rounding?
 *
 * Training multiplies a difference in the last place from step to step until it is as large as what the order of the batches changes. How fast depends on the
 * network, the data and the learning rate, so it is measured: `moved` are runs on the first device from weights that differ in their last places. At
 * each step a device may be as far from the first one as these have been so far, times a margin, because few runs do not show the most that can happen.
 */

import { movedMargin } from '../golden/moved.ts';
import type { Curve } from './curve.ts';

/** Float32 sums in another order, before training has multiplied anything. */
const exactness = 1e-4;

export interface CurveComparison {
  readonly device: string;
  /** Largest share of what a step's loss may be off that it is off; at most 1 when the curves are the same. */
  readonly worst: number;
  /** One-based step where that is. */
  readonly step: number;
  /** Relative difference of the first step's loss: forward alone. */
  readonly first: number;
  /** Largest difference of a step's loss, and the largest that moved weights made. */
  readonly largest: number;
  readonly noise: number;
  readonly same: boolean;
}

/** `other` beside `base`; `moved` are runs of the base's device. All must have as many steps. */
export function compareCurves(base: Curve, moved: readonly Curve[], other: Curve): CurveComparison {
  let [worst, step, largest, noise] = [0, 1, 0, 0];
  const complete = other.losses.length === base.losses.length;
  base.losses.forEach((loss, i) => {
    noise = Math.max(noise, ...moved.map((curve) => Math.abs((curve.losses[i] ?? loss) - loss)));
    const distance = Math.abs((other.losses[i] ?? Number.NaN) - loss);
    const off = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
    const share = off / (exactness * Math.abs(loss) + movedMargin * noise);
    if (share > worst) [worst, step] = [share, i + 1];
    largest = Math.max(largest, off);
  });
  const [first = Number.NaN] = base.losses;
  return {
    device: other.device,
    worst,
    step,
    first: Math.abs((other.losses[0] ?? Number.NaN) - first) / Math.abs(first),
    largest,
    noise,
    same: complete && worst <= 1,
  };
}
