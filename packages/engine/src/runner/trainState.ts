/** Everything that a training run changes and a checkpoint keeps: weights, statistics, moments, random counter, loss scale. */

import { type HostTensor, LossScale, Variable } from '@omma/core';
import type { Optimizer, Parameter } from '@omma/nn';
import type { TrainableModel } from './model.ts';

export class TrainState {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly random: Variable;
  readonly lossScale: LossScale | null;

  constructor(model: TrainableModel, optimizer: Optimizer, seed: number, scaleLoss: boolean) {
    this.model = model;
    this.optimizer = optimizer;
    this.random = new Variable('run.random', { shape: [2], dtype: 'uint32' }, Uint32Array.of(seed, 0));
    this.lossScale = scaleLoss ? new LossScale('run.loss_scale') : null;
    optimizer.prepare(this.trainable());
  }

  /** The parameters that get gradients, by name. */
  trainable(): [string, Parameter][] {
    return this.model.namedParameters().filter(([, parameter]) => parameter.trainable);
  }

  variables(): Variable[] {
    return [...modelVariables(this.model), ...this.runVariables()];
  }

  /** What belongs to the run and not to the model. */
  runVariables(): Variable[] {
    const { lossScale } = this;
    const scaling = lossScale === null ? [] : [lossScale.scale, lossScale.goodSteps];
    return [...this.optimizer.variables(), this.random, ...scaling];
  }
}

/** Parameters and buffers: what a model is without a run. */
export function modelVariables(model: TrainableModel): Variable[] {
  return [...model.parameters(), ...model.buffers()];
}

/** The numbers of `variables` by name. */
export async function downloadAll(variables: readonly Variable[]): Promise<Record<string, HostTensor>> {
  const entries = await Promise.all(
    variables.map(async (variable) => [variable.name, await variable.download()] as const),
  );
  return Object.fromEntries(entries);
}
