/**
 * Learning rate, momentum and weight decay as inputs of the training step: a schedule moves them without a new graph.
 *
 * Parameters with the same multiplier share an input. A group has one of its own because a schedule does not simply scale with its base: a curve that
 * ends at an absolute value ends there for every group. What no schedule moves stays a constant of the graph, except the learning rate.
 */

import {
  type HostTensor,
  hostTensor,
  OmmaError,
  type Tensor,
  type TensorRecord,
  type TensorType,
} from '@omma/core';
import type { ParameterOptions, StepOptions } from '@omma/nn';
import type { ScheduledValue } from '../schedule/paramSchedule.ts';
import { type ScheduledParam, type SchedulerConfig, scheduledParam } from '../schedule/types.ts';
import { checkScheduled, type OptimizerPart, partOf } from './parts.ts';

/** Name of the learning rate among the step's inputs; those of groups with a multiplier are `lr.1`, `lr.2`, and so on. */
export const lrInput = 'lr';

const scalar: TensorType = { shape: [], dtype: 'float32' };

export class Hyperparameters {
  /** Everything that moves, by the name of its input; the learning rate first. */
  readonly values: readonly ScheduledValue[];
  readonly #names = new Map<string, string>();

  /** For the parameters (names) of `parts`, the main one first. OmmaError when a schedule moves what its optimiser does not have. */
  constructor(
    parts: readonly OptimizerPart[],
    parameters: readonly string[],
    schedulers: readonly SchedulerConfig[] = [],
  ) {
    checkScheduled(parts, schedulers);
    this.values = parts.flatMap((part) => {
      const { path, optimizer, lr } = part;
      const own = schedulers.filter((config) => (config.optimizer ?? '') === path);
      const moved = new Set<ScheduledParam>(own.map(scheduledParam));
      const { momentum, weightDecay } = optimizer.initial;
      const options = parameters.flatMap((name) =>
        partOf(parts, name) === part ? [optimizer.optionsOf(name)] : [],
      );
      const decayMults = [1, ...options.map(({ decayMult = 1 }) => decayMult)];
      return [
        ...this.#valuesOf(path, 'lr', lr, [1, ...options.map(({ lrMult = 1 }) => lrMult)]),
        ...(moved.has('momentum') ? this.#valuesOf(path, 'momentum', present(momentum), [1]) : []),
        ...(moved.has('weightDecay') && weightDecay > 0
          ? this.#valuesOf(path, 'weightDecay', weightDecay, decayMults)
          : []),
      ];
    });
  }

  /** The step's inputs of this kind. */
  types(): Record<string, TensorType> {
    return Object.fromEntries(this.values.map(({ name }) => [name, scalar]));
  }

  /** Parts a step's inputs into the batch and these. */
  split<T>(inputs: Readonly<Record<string, T>>): { batch: Record<string, T>; settings: Record<string, T> } {
    const own = new Set(this.values.map(({ name }) => name));
    const entries = Object.entries(inputs);
    return {
      batch: Object.fromEntries(entries.filter(([name]) => !own.has(name))),
      settings: Object.fromEntries(entries.filter(([name]) => own.has(name))),
    };
  }

  /** What the step of the optimiser of part `path` is told. Inside `trace`. */
  stepOptions(settings: TensorRecord, path = ''): { lr: Tensor } & StepOptions {
    const get = (param: ScheduledParam, multiplier: number): Tensor | undefined =>
      settings[this.#names.get(keyOf(path, param, multiplier)) ?? ''];
    const lr = get('lr', 1);
    if (lr === undefined) throw new OmmaError(`train step: the input ${inputName(path, 'lr')} is missing`);
    const momentum = get('momentum', 1);
    return {
      lr,
      ...(momentum === undefined ? {} : { momentum }),
      scheduled: ({ lrMult = 1, decayMult = 1 }: ParameterOptions) => {
        const rate = get('lr', lrMult);
        const weightDecay = decayMult === 0 ? undefined : get('weightDecay', decayMult);
        return {
          ...(rate === undefined ? {} : { lr: rate }),
          ...(weightDecay === undefined ? {} : { weightDecay }),
        };
      },
    };
  }

  #valuesOf(
    path: string,
    param: ScheduledParam,
    initial: number,
    multipliers: readonly number[],
  ): ScheduledValue[] {
    const optimizer = path === '' ? {} : { optimizer: path };
    return [...new Set(multipliers)].map((multiplier, i) => {
      const name = i === 0 ? inputName(path, param) : `${inputName(path, param)}.${i}`;
      this.#names.set(keyOf(path, param, multiplier), name);
      return { name, param, ...optimizer, initial: initial * multiplier };
    });
  }
}

/** The values of a schedule as a step takes them. */
export function scalarInputs(values: Readonly<Record<string, number>>): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, hostTensor([], 'float32', Float32Array.of(value))]),
  );
}

function keyOf(path: string, param: ScheduledParam, multiplier: number): string {
  return `${path} ${param} ${multiplier}`;
}

/** `lr` of the main optimiser, `head.lr` of a part's. */
function inputName(path: string, param: ScheduledParam): string {
  return path === '' ? param : `${path}.${param}`;
}

function present(momentum: number | null): number {
  if (momentum !== null) return momentum;
  throw new OmmaError(
    'paramScheduler: a schedule moves the momentum, of which the optimizer has none; set optimizer.momentum above 0, or leave the schedule out',
  );
}
