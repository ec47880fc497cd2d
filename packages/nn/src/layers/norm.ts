/** Normalisation layers. */

import {
  add,
  batchNorm,
  batchNormTrain,
  groupNorm,
  instanceNorm,
  layerNorm,
  mul,
  type Shape,
  type Tensor,
} from '@omma/core';
import { constant } from '../init.ts';
import { type AnyModule, Module } from '../module.ts';
import { Buffer, Parameter } from '../parameter.ts';
import { type Ranks, syncStatistics } from './syncStatistics.ts';

export interface BatchNorm2dOptions {
  /** 1e-5 unless given. */
  readonly eps?: number;
  /** Share of the new batch in the running statistics; 0.1 unless given. */
  readonly momentum?: number;
}

/**
 * Batch normalisation over N, H and W. In training it normalises with the batch's statistics (biased variance) and moves the running
 * ones towards them (unbiased variance, as PyTorch does) when the step ends; in evaluation, and for an empty batch, it uses the running ones.
 */
export class BatchNorm2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly runningMean: Buffer;
  readonly runningVar: Buffer;
  /** The run whose samples the statistics are taken of; null for this process's own. See `convertSyncBatchNorm`. */
  ranks: Ranks | null = null;
  readonly #eps: number;
  readonly #momentum: number;

  constructor(features: number, { eps = 1e-5, momentum = 0.1 }: BatchNorm2dOptions = {}) {
    super();
    this.weight = new Parameter([features], constant(1));
    this.bias = new Parameter([features]);
    this.runningMean = new Buffer({ shape: [features], dtype: 'float32' });
    this.runningVar = new Buffer({ shape: [features], dtype: 'float32' }, new Float32Array(features).fill(1));
    this.#eps = eps;
    this.#momentum = momentum;
  }

  override forward(x: Tensor): Tensor {
    return normalizeBatch(x, {
      weight: this.weight.read(),
      bias: this.bias.read(),
      runningMean: this.runningMean,
      runningVar: this.runningVar,
      eps: this.#eps,
      momentum: this.#momentum,
      training: this.training,
      ranks: this.ranks,
    });
  }
}

/** What a batch normalisation has beside its input: see `BatchNorm2d`. */
export interface BatchNormState {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Buffer;
  readonly runningVar: Buffer;
  readonly eps: number;
  readonly momentum: number;
  readonly training: boolean;
  /** See `BatchNorm2d.ranks`; null unless given. */
  readonly ranks?: Ranks | null;
}

/** The computation of `BatchNorm2d`, for layers that keep their variables elsewhere. */
export function normalizeBatch(x: Tensor, state: BatchNormState): Tensor {
  const { weight, bias, runningMean, runningVar, eps, momentum, training, ranks = null } = state;
  // An empty batch says nothing of the data: the running statistics stay, as in PyTorch.
  if (!training || x.size === 0)
    return batchNorm(x, weight, bias, runningMean.read(), runningVar.read(), { eps });
  const { y, mean, variance } =
    ranks === null ? batchNormTrain(x, weight, bias, { eps }) : synchronized(x, state, ranks);
  const count = (x.size / x.dim(1)) * (ranks?.size ?? 1);
  // running = (1 - momentum) * running + momentum * scale * batch
  const move = (running: Buffer, batch: Tensor, scale: number) =>
    running.write(add(mul(running.read(), 1 - momentum), mul(batch, momentum * scale)));
  move(runningMean, mean, 1);
  move(runningVar, variance, count > 1 ? count / (count - 1) : 1);
  return y;
}

function synchronized(x: Tensor, { weight, bias, eps }: BatchNormState, ranks: Ranks) {
  const { mean, variance } = syncStatistics(x, ranks);
  return { y: batchNorm(x, weight, bias, mean, variance, { eps }), mean, variance };
}

/**
 * Lets every BatchNorm2d of `module` normalise with the statistics of all ranks' samples in training, as
 * `torch.nn.SyncBatchNorm.convert_sync_batchnorm` does. Every rank must have as many samples, and must compile the step with its communicator.
 */
export function convertSyncBatchNorm(module: AnyModule, ranks: Ranks): void {
  for (const [, layer] of module.namedModules()) {
    if (layer instanceof BatchNorm2d) layer.ranks = ranks;
  }
}

/** Normalises over the last axes, those of `shape`. */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #eps: number;

  constructor(shape: number | Shape, { eps = 1e-5 }: { readonly eps?: number } = {}) {
    super();
    const axes = typeof shape === 'number' ? [shape] : shape;
    this.weight = new Parameter(axes, constant(1));
    this.bias = new Parameter(axes);
    this.#eps = eps;
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight.read(), this.bias.read(), { eps: this.#eps });
  }
}

export class GroupNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #groups: number;
  readonly #eps: number;

  constructor(groups: number, channels: number, { eps = 1e-5 }: { readonly eps?: number } = {}) {
    super();
    this.weight = new Parameter([channels], constant(1));
    this.bias = new Parameter([channels]);
    this.#groups = groups;
    this.#eps = eps;
  }

  override forward(x: Tensor): Tensor {
    return groupNorm(x, this.weight.read(), this.bias.read(), { groups: this.#groups, eps: this.#eps });
  }
}

/** Normalises each channel of each sample, with a learned scale and shift. */
export class InstanceNorm2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #eps: number;

  constructor(channels: number, { eps = 1e-5 }: { readonly eps?: number } = {}) {
    super();
    this.weight = new Parameter([channels], constant(1));
    this.bias = new Parameter([channels]);
    this.#eps = eps;
  }

  override forward(x: Tensor): Tensor {
    return instanceNorm(x, this.weight.read(), this.bias.read(), { eps: this.#eps });
  }
}
