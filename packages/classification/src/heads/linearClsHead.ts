/** LinearClsHead: one fully connected layer (`head.fc`) and cross-entropy. */

import { crossEntropy, type Tensor } from '@omma/core';
import { init, Linear, Module } from '@omma/nn';

export interface LinearClsHeadOptions {
  readonly numClasses: number;
  readonly inChannels: number;
  /** Share of the target that is spread over all classes; 0 unless given. */
  readonly labelSmoothing?: number;
}

export class LinearClsHead extends Module {
  readonly fc: Linear;
  readonly numClasses: number;
  readonly #labelSmoothing: number;

  constructor({ numClasses, inChannels, labelSmoothing = 0 }: LinearClsHeadOptions) {
    super();
    this.fc = new Linear(inChannels, numClasses, {
      weightInit: init.normal(0, 0.01),
      biasInit: init.constant(0),
    });
    this.numClasses = numClasses;
    this.#labelSmoothing = labelSmoothing;
  }

  /** Logits [N, classes]. */
  override forward(features: Tensor): Tensor {
    return this.fc.call(features);
  }

  /** Mean cross-entropy of logits against int32 labels [N]. */
  loss(logits: Tensor, labels: Tensor): Tensor {
    return crossEntropy(logits, labels, { labelSmoothing: this.#labelSmoothing });
  }
}
