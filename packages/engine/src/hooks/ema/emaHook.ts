/**
 * EMAHook: averages the weights while training and evaluates with the averages. Checkpoints hold both: training goes on from the weights,
 * `omma test`, `predict` and `export` take the averages.
 */

import { type CompiledFunction, compile, OmmaError } from '@omma/core';
import { z } from 'zod';
import type { LoadedState } from '../../checkpoint/draft.ts';
import type { RunContext } from '../../runner/context.ts';
import type { TrainSetup } from '../../runner/setup.ts';
import type { Hook } from '../hook.ts';
import { Averages, type AverageType } from './averages.ts';

export interface EMAHookOptions {
  /** ExponentialMovingAverage unless given; ExpMomentumEMA is MMDetection's, MomentumAnnealingEMA and StochasticWeightAverage are MMEngine's. */
  readonly emaType?: AverageType;
  /** Share of the new weights in each move; 0.0002 unless given. */
  readonly momentum?: number;
  /** Moves in which the share comes down to `momentum`: 100 for MomentumAnnealingEMA, 2000 for ExpMomentumEMA, unless given. */
  readonly gamma?: number;
  /** Updates between two moves; 1 unless given. */
  readonly interval?: number;
  /** Averages batch-norm statistics as well; otherwise evaluation uses those of training. */
  readonly updateBuffers?: boolean;
  /** Iterations or epochs before the averages begin; until then they are the weights. */
  readonly beginIter?: number;
  readonly beginEpoch?: number;
}

const begin = z.int().min(0).exactOptional();

export const emaHookSchema = z
  .strictObject({
    emaType: z
      .enum(['ExponentialMovingAverage', 'MomentumAnnealingEMA', 'ExpMomentumEMA', 'StochasticWeightAverage'])
      .exactOptional(),
    momentum: z.number().gt(0).lt(1).exactOptional(),
    gamma: z.int().positive().exactOptional(),
    interval: z.int().positive().exactOptional(),
    updateBuffers: z.boolean().exactOptional(),
    beginIter: begin,
    beginEpoch: begin,
  })
  .refine(({ beginIter, beginEpoch }) => beginIter === undefined || beginEpoch === undefined, {
    message: 'expected beginIter or beginEpoch, not both',
  });

export class EMAHook implements Hook {
  readonly name = 'EMAHook';
  readonly #options: EMAHookOptions;
  #averages: Averages | null = null;
  #exchange: CompiledFunction | null = null;

  constructor(options: EMAHookOptions = {}) {
    this.#options = options;
  }

  setUp({ add, config, device, model, plan, state }: TrainSetup): void {
    const {
      emaType: type = 'ExponentialMovingAverage',
      momentum = 0.0002,
      gamma = type === 'ExpMomentumEMA' ? 2000 : 100,
      interval = 1,
      updateBuffers = false,
      beginIter = (this.#options.beginEpoch ?? 0) * plan.iterationsPerEpoch,
    } = this.#options;
    const begin = Math.ceil(beginIter / (config.optimWrapper?.accumulativeCounts ?? 1));
    const buffers = updateBuffers ? model.buffers().filter(({ dtype }) => dtype === 'float32') : [];
    const parameters = state.trainable().map(([, parameter]) => parameter);
    const averages = new Averages([...parameters, ...buffers], { type, momentum, gamma, interval, begin });
    add({
      variables: averages.variables(),
      update: () => {
        averages.update();
        return undefined;
      },
    });
    this.#averages = averages;
    this.#exchange = compile(
      () => {
        averages.exchange();
        return {};
      },
      { device, name: 'exchange of weights and averages' },
    );
  }

  /** A run without averages that is resumed with them: they begin at its weights. */
  async afterLoadCheckpoint({ emit }: RunContext, { path, tensors }: LoadedState): Promise<void> {
    const averages = this.#averages;
    if (averages === null || tensors.has(averages.count.name)) return;
    for (const [source, average] of averages.names) {
      const tensor = tensors.get(source);
      if (tensor !== undefined && !tensors.has(average)) tensors.set(average, tensor);
    }
    tensors.set(averages.count.name, await averages.count.download());
    emit({ type: 'notice', message: `${path} has no averaged weights; the averages begin with its weights` });
  }

  async beforeVal(): Promise<void> {
    await this.#swap();
  }

  async afterVal(): Promise<void> {
    await this.#swap();
  }

  async afterRun(): Promise<void> {
    this.#exchange?.dispose();
  }

  async #swap(): Promise<void> {
    if (this.#exchange === null)
      throw new OmmaError('EMAHook: evaluates in a run that it was not set up for');
    await this.#exchange({});
  }
}
