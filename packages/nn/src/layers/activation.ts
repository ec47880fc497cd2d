/** Activations as layers, for sequences and configs. */

import type { Tensor } from '@omma/core';
import * as core from '@omma/core';
import { Module } from '../module.ts';

/** A layer without parameters around a function of one tensor. */
abstract class Activation extends Module {
  protected abstract readonly function: (x: Tensor) => Tensor;

  override forward(x: Tensor): Tensor {
    return this.function(x);
  }
}

export class ReLU extends Activation {
  protected readonly function = (x: Tensor) => core.relu(x);
}

export class ReLU6 extends Activation {
  protected readonly function = (x: Tensor) => core.relu6(x);
}

export class Sigmoid extends Activation {
  protected readonly function = (x: Tensor) => core.sigmoid(x);
}

export class Tanh extends Activation {
  protected readonly function = (x: Tensor) => core.tanh(x);
}

export class SiLU extends Activation {
  protected readonly function = (x: Tensor) => core.silu(x);
}

export class Mish extends Activation {
  protected readonly function = (x: Tensor) => core.mish(x);
}

export class HardSwish extends Activation {
  protected readonly function = (x: Tensor) => core.hardSwish(x);
}

export class HardSigmoid extends Activation {
  protected readonly function = (x: Tensor) => core.hardSigmoid(x);
}

export class Softplus extends Activation {
  protected readonly function = (x: Tensor) => core.softplus(x);
}

export class GELU extends Activation {
  readonly approximate: 'none' | 'tanh';
  protected readonly function = (x: Tensor) => core.gelu(x, { approximate: this.approximate });

  constructor(approximate: 'none' | 'tanh' = 'none') {
    super();
    this.approximate = approximate;
  }
}

export class LeakyReLU extends Activation {
  readonly slope: number;
  protected readonly function = (x: Tensor) => core.leakyRelu(x, this.slope);

  constructor(slope = 0.01) {
    super();
    this.slope = slope;
  }
}

export class ELU extends Activation {
  readonly alpha: number;
  protected readonly function = (x: Tensor) => core.elu(x, this.alpha);

  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }
}
