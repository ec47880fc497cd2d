/** GlobalAveragePooling: the mean over height and width of the last feature map. */

import { globalAvgPool, reshape, type Tensor } from '@omma/core';
import { Module } from '@omma/nn';

export class GlobalAveragePooling extends Module<readonly [readonly Tensor[]], Tensor> {
  override forward(features: readonly Tensor[]): Tensor {
    const last = features.at(-1);
    if (last === undefined) throw new Error('GlobalAveragePooling: the backbone gave no features');
    return reshape(globalAvgPool(last), [last.dim(0), last.dim(1)]);
  }
}
