/** Fully connected layers and table look-up. */

import { embedding, linear, type Tensor } from '@omma/core';
import { type Initializer, normal, pytorchBias, pytorchWeight } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';

export interface LinearOptions {
  /** True unless given. */
  readonly bias?: boolean;
  readonly weightInit?: Initializer;
  readonly biasInit?: Initializer;
}

export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    const shape = [outFeatures, inFeatures];
    this.weight = new Parameter(shape, options.weightInit ?? pytorchWeight());
    this.bias =
      options.bias === false ? null : new Parameter([outFeatures], options.biasInit ?? pytorchBias(shape));
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight.read(), this.bias?.read() ?? null);
  }
}

/** Rows of a table, by int32 index. */
export class Embedding extends Module {
  readonly weight: Parameter;

  constructor(count: number, features: number, weightInit: Initializer = normal()) {
    super();
    this.weight = new Parameter([count, features], weightInit);
  }

  override forward(indices: Tensor): Tensor {
    return embedding(this.weight.read(), indices);
  }
}
