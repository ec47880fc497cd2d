/**
 * Mixed precision: which 16-bit type a run uses, and loss scaling, which float16 needs because its small gradients vanish.
 *
 * The scale is state of the graph. Each step multiplies the loss by it and divides the gradients; a step whose gradients overflow
 * is skipped and halves the scale; two thousand good steps in a row double it. All of it happens on the device.
 */

import {
  add,
  type Device,
  type MixedPrecision,
  mul,
  OmmaError,
  reciprocal,
  type Tensor,
  Variable,
  where,
} from '@omma/core';
import type { AmpSetting } from '../config/types.ts';

/** The 16-bit type for `setting` on `device`; null for float32 throughout. */
export function mixedPrecisionFor(device: Device, setting: AmpSetting): MixedPrecision | null {
  if (setting === 'off') return null;
  const { dtypes, mixedPrecision } = device.capabilities;
  if (setting === 'auto') {
    const [best] = mixedPrecision;
    return best === 'bfloat16' || best === 'float16' ? best : null;
  }
  if (dtypes.includes(setting)) return setting;
  throw new OmmaError(
    `amp: device ${device.name} has no ${setting}, only ${dtypes.join(', ')}; use --amp auto or --amp off`,
  );
}

const initialScale = 65536;
const growthInterval = 2000;

export class LossScale {
  readonly scale = new Variable(
    'run.loss_scale',
    { shape: [], dtype: 'float32' },
    Float32Array.of(initialScale),
  );
  readonly goodSteps = new Variable('run.loss_scale_good_steps', { shape: [], dtype: 'float32' });

  variables(): Variable[] {
    return [this.scale, this.goodSteps];
  }

  /** The loss to differentiate. */
  scaled(loss: Tensor): Tensor {
    return mul(loss, this.scale.read());
  }

  /** Gradients as if the loss had not been scaled. */
  unscaled(gradients: readonly Tensor[]): Tensor[] {
    const factor = reciprocal(this.scale.read());
    return gradients.map((gradient) => mul(gradient, factor));
  }

  /** Moves the scale at the end of a step; `good` is false when gradients overflowed. */
  update(good: Tensor): void {
    const scale = this.scale.read();
    const count = add(this.goodSteps.read(), 1);
    const grow = count.equal(growthInterval);
    this.scale.write(where(good, where(grow, mul(scale, 2), scale), mul(scale, 0.5)));
    this.goodSteps.write(where(good, where(grow, 0, count), 0));
  }
}
