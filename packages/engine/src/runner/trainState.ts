/**
 * Everything that a training run changes and a checkpoint keeps: weights, statistics, moments, random counter, loss scale, summed gradients, and
 * what hooks add.
 */

import {
  type DeviceCapabilities,
  type HostTensor,
  LossScale,
  type LossScaleOptions,
  largestFloat16,
  type MixedPrecision,
  type TensorRecord,
  Variable,
} from '@omma/core';
import type { Optimizer, Parameter } from '@omma/nn';
import type { OptimWrapperConfig } from '../optim/config.ts';
import { lossScaleOptions } from '../optim/gradients.ts';
import { Hyperparameters } from '../optim/hyperparameters.ts';
import { buildOptimizer } from '../optim/optimizer.ts';
import { paramwiseRule } from '../optim/paramwise.ts';
import { buildParts, type OptimizerPart, partOf } from '../optim/parts.ts';
import type { SchedulerConfig } from '../schedule/types.ts';
import { Accumulation } from './accumulation.ts';
import { checkpointedModules } from './activationCheckpointing.ts';
import type { TrainableModel } from './model.ts';

/** State that a hook adds to a run, and what becomes of it at each update. */
export interface StatePart {
  /** Names begin with `run.` and are no others'. */
  readonly variables: readonly Variable[];
  /** Adds to the graph of the update, after the optimiser's step; scalars that it gives are logged. Inside `trace`. */
  update?(): TensorRecord | undefined;
}

export interface TrainStateOptions {
  readonly seed: number;
  /** Null where gradients are not scaled: with anything but float16. */
  readonly lossScale: LossScaleOptions | null;
  /** The learning rate before any schedule. */
  readonly lr: number;
  /** Parts of the model with optimisers of their own. */
  readonly parts?: readonly OptimizerPart[];
  readonly schedulers?: readonly SchedulerConfig[];
  /** Batches to an update; 1 unless given. */
  readonly accumulativeCounts?: number;
  /** Modules whose activations are computed again in the backward pass, as `checkpointedModules` gives them. */
  readonly recompute?: readonly string[];
}

export class TrainState {
  readonly model: TrainableModel;
  /** The main optimiser first. */
  readonly optimizers: readonly OptimizerPart[];
  readonly random: Variable;
  readonly lossScale: LossScale | null;
  /** What schedules move: inputs of the step, and so no state. */
  readonly hyperparameters: Hyperparameters;
  /** Null when every batch is an update. */
  readonly accumulation: Accumulation | null;
  /** Modules whose activations are computed again in the backward pass. */
  readonly recompute: readonly string[];
  readonly #parts: StatePart[] = [];

  constructor(
    model: TrainableModel,
    optimizer: Optimizer,
    {
      seed,
      lossScale,
      lr,
      parts = [],
      schedulers = [],
      accumulativeCounts = 1,
      recompute = [],
    }: TrainStateOptions,
  ) {
    this.model = model;
    this.optimizers = [{ path: '', optimizer, lr }, ...parts];
    this.recompute = recompute;
    this.random = new Variable('run.random', { shape: [2], dtype: 'uint32' }, Uint32Array.of(seed, 0));
    this.lossScale = lossScale === null ? null : new LossScale('run.loss_scale', lossScale);
    this.accumulation = accumulativeCounts > 1 ? new Accumulation(this.trainable()) : null;
    const trainable = this.trainable();
    for (const part of this.optimizers) part.optimizer.prepare(this.trainableOf(part));
    this.hyperparameters = new Hyperparameters(
      this.optimizers,
      trainable.map(([name]) => name),
      schedulers,
    );
  }

  /** Adds a hook's part. Only before the step is compiled. */
  add(part: StatePart): void {
    this.#parts.push(part);
  }

  get parts(): readonly StatePart[] {
    return this.#parts;
  }

  /** The parameters that get gradients, by name. */
  trainable(): [string, Parameter][] {
    return this.model.namedParameters().filter(([, parameter]) => parameter.trainable);
  }

  /** Those of them that a part's optimiser moves. */
  trainableOf(part: OptimizerPart): [string, Parameter][] {
    return this.trainable().filter(([name]) => partOf(this.optimizers, name) === part);
  }

  variables(): Variable[] {
    return [...modelVariables(this.model), ...this.runVariables()];
  }

  /** What belongs to the run and not to the model. */
  runVariables(): Variable[] {
    const { lossScale, accumulation } = this;
    const scaling = lossScale === null ? [] : [lossScale.scale, lossScale.goodSteps];
    const added = this.#parts.flatMap(({ variables }) => variables);
    return [
      ...this.optimizers.flatMap(({ optimizer }) => optimizer.variables()),
      this.random,
      ...scaling,
      ...(accumulation?.variables() ?? []),
      ...added,
    ];
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

/** The state of a run that a config describes, before its first step. */
export function buildTrainState(
  model: TrainableModel,
  { optimizer, optimizers = {}, paramwiseConfig, lossScale, accumulativeCounts = 1 }: OptimWrapperConfig,
  options: {
    readonly seed: number;
    readonly amp: MixedPrecision | null;
    /** Of the device that will train. */
    readonly capabilities: Pick<DeviceCapabilities, 'float16Saturates'>;
    /** In place of the config's, where that is scaled by the batch size. */
    readonly lr?: number;
    readonly schedulers?: readonly SchedulerConfig[] | undefined;
    /** The config's list. */
    readonly activationCheckpointing?: readonly string[] | undefined;
  },
): TrainState {
  const {
    seed,
    amp,
    capabilities,
    lr = optimizer.lr,
    schedulers = [],
    activationCheckpointing = [],
  } = options;
  const limit = capabilities.float16Saturates === true ? { limit: largestFloat16 } : {};
  const rule = paramwiseRule(model, paramwiseConfig);
  return new TrainState(model, buildOptimizer(optimizer, rule), {
    seed,
    parts: buildParts(model, optimizers, rule, lr / optimizer.lr),
    lossScale: amp === 'float16' ? { ...lossScaleOptions(lossScale), ...limit } : null,
    lr,
    schedulers,
    accumulativeCounts,
    recompute: checkpointedModules(model, activationCheckpointing),
  });
}
