/** What the schedules and parameter groups of a config come to, without training: for plots and listings. */

import { OmmaError } from '@omma/core';
import { datasets, models } from '../config/registries.ts';
import type { Config } from '../config/types.ts';
import { BatchLoader } from '../data/loader.ts';
import { TrainPlan } from '../loops/trainPlan.ts';
import { partOf } from '../optim/parts.ts';
import { scaledRate } from '../runner/scaledRate.ts';
import { buildTrainState, type TrainState } from '../runner/trainState.ts';
import { ParamSchedule, type ScheduledValue } from './paramSchedule.ts';

/** One number that the schedules move, at every iteration. */
export interface ScheduledCurve extends ScheduledValue {
  readonly values: Float64Array;
}

export interface SchedulePreview {
  readonly plan: TrainPlan;
  /** The learning rate of the whole first, then those of groups, momentum, weight decays. */
  readonly curves: readonly ScheduledCurve[];
  /** True when a schedule waits for a metric: no one knows what it will do. */
  readonly watches: boolean;
}

/** The curves of `config`'s run. `epochLength` are its iterations an epoch; those of its data unless given. */
export function previewSchedule(config: Config, epochLength?: number): SchedulePreview {
  const { trainConfig, paramScheduler = [] } = config;
  if (trainConfig === undefined)
    throw new OmmaError('the config has no trainConfig, so it trains for no time');
  const plan = new TrainPlan(trainConfig, epochLength ?? epochLengthOf(config));
  const { hyperparameters } = trainStateOf(config);
  const schedule = new ParamSchedule(hyperparameters.values, paramScheduler, plan);
  const rows = hyperparameters.values.map(() => new Float64Array(plan.maxIterations));
  for (let iteration = 0; iteration < plan.maxIterations; iteration++) {
    const values = schedule.at(iteration);
    hyperparameters.values.forEach(({ name }, i) => {
      const row = rows[i];
      if (row !== undefined) row[iteration] = values[name] ?? Number.NaN;
    });
  }
  return {
    plan,
    curves: hyperparameters.values.map((value, i) => ({ ...value, values: rows[i] ?? new Float64Array() })),
    watches: schedule.watches,
  };
}

/** One trainable parameter and what the optimiser does with it before any schedule. */
export interface ParameterGroupEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly lr: number;
  readonly weightDecay: number;
  readonly larsExclude: boolean;
}

/** The trainable parameters of `config`'s model, in the model's order. */
export function parameterGroups(config: Config): ParameterGroupEntry[] {
  const state = trainStateOf(config);
  return state.trainable().map(([name, { shape }]) => {
    const { optimizer, lr } = partOf(state.optimizers, name);
    const { lrMult = 1, decayMult = 1, larsExclude = false } = optimizer.optionsOf(name);
    return {
      name,
      shape,
      lr: lr * lrMult,
      weightDecay: optimizer.initial.weightDecay * decayMult,
      larsExclude,
    };
  });
}

function trainStateOf({ model: modelConfig, optimWrapper, paramScheduler, ...config }: Config): TrainState {
  if (optimWrapper === undefined) throw new OmmaError('the config has no optimWrapper; add it');
  const model = models.build(modelConfig);
  model.assignNames();
  const { trainDataloader } = config;
  const { lr } = scaledRate(config, optimWrapper.optimizer.lr, trainDataloader?.batchSize ?? 1);
  return buildTrainState(model, optimWrapper, {
    seed: 0,
    amp: null,
    capabilities: {},
    lr,
    schedulers: paramScheduler,
  });
}

function epochLengthOf({ trainDataloader }: Config): number {
  if (trainDataloader === undefined)
    throw new OmmaError('the config has no trainDataloader; give --epoch-length');
  const { dataset, ...options } = trainDataloader;
  try {
    return new BatchLoader(datasets.build(dataset), { training: true, seed: 0, ...options }).batchesPerEpoch;
  } catch (error) {
    if (!(error instanceof OmmaError)) throw error;
    throw new OmmaError(`${error.message}; or give the iterations an epoch with --epoch-length`);
  }
}
