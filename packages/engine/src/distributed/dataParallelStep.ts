/**
 * The data parallel training step: the same arithmetic as on one device, with averages over the ranks in it. Where the device runs collectives inside
 * its programs it stays one graph (`inGraphStep.ts`); elsewhere it is cut in two.
 *
 * The gradient model runs forward and backward on this rank's part of the batch and leaves gradients, batch-norm statistics and losses, divided
 * by the number of ranks, in a few buckets. The communicator sums each bucket where it lies in device memory. The update model reads them:
 * every rank sees the same bits, so every rank takes the same step, skips it after an overflow, and stops for Ctrl-C together,
 * without another message.
 */

import {
  advance,
  type Communicator,
  compile,
  type Executable,
  type HostTensor,
  OmmaError,
  type Tensor,
  type TensorRecord,
  type TensorType,
  type Variable,
} from '@omma/core';
import { forwardBackward, update } from '../runner/stepParts.ts';
import type { TrainState } from '../runner/trainState.ts';
import type { TrainStep, TrainStepOptions } from '../runner/trainStep.ts';
import { GradientBuckets } from './buckets.ts';
import { compileInGraphStep } from './inGraphStep.ts';
import { namedTensors, rankKey, stopOutput, stopTensor, stopType, writtenSoFar } from './stepTensors.ts';

export interface DataParallelStepOptions extends TrainStepOptions {
  readonly communicator: Communicator;
  /** True when this rank wants to stop after the step; all ranks learn of it by the output `stop`. */
  readonly stopping: () => boolean;
  /** The model sums over the ranks itself, as synchronised batch norm does: one graph, which is cut at the sums where the device does not make them. */
  readonly sumsInside?: boolean;
  /** Bytes of a gradient bucket; 25 MiB unless given. */
  readonly bucketBytes?: number;
}

/**
 * Compiles the step of `state`. Outputs are those of the step on one device, averaged over all ranks, and `stop`. State that the model
 * writes while training (batch-norm statistics) is averaged too, so that all of it stays the same on all ranks.
 */
export function compileDataParallelStep(state: TrainState, options: DataParallelStepOptions): TrainStep {
  const { communicator, sumsInside = false } = options;
  if (communicator.inGraph) return compileInGraphStep(state, options);
  return sumsInside
    ? compileInGraphStep(state, { ...options, collectives: communicator })
    : inTwoGraphs(state, options);
}

function inTwoGraphs(state: TrainState, options: DataParallelStepOptions): TrainStep {
  const { device, amp, clipGrad, communicator, stopping, bucketBytes, profile = false } = options;
  const { accumulation } = state;
  const { rank, size } = communicator;
  const buckets = new GradientBuckets('run.gradients', bucketBytes);
  let statistics: readonly Variable[] = [];
  let scalarNames: readonly string[] = [];

  const gradientModel = compile(
    (inputs: TensorRecord) => {
      const { [stopOutput]: stop, ...batch } = inputs;
      if (stop === undefined) throw new OmmaError('gradient model: the input stop is missing');
      const { loss, scalars = {}, gradients } = forwardBackward(state, batch, rankKey(state, rank));
      statistics = writtenSoFar();
      scalarNames = Object.keys(scalars);
      buckets.pack(namedTensors(state, { loss, scalars, gradients, statistics, stop }), 1 / size);
      advance(state.random);
      return {};
    },
    { device, name: 'gradient model', profile, ...(amp === null ? {} : { amp }) },
  );

  /** What comes behind the reduction: `then` gets the losses and gradients that all ranks have in common. */
  const reduced = (then: (loss: Tensor, gradients: readonly Tensor[]) => TensorRecord): TensorRecord => {
    const tensors = buckets.unpack();
    const get = (name: string): Tensor => {
      const value = tensors.get(name);
      if (value === undefined) throw new Error(`update model: no ${name}`);
      return value;
    };
    for (const variable of statistics) variable.write(get(`state/${variable.name}`));
    const loss = get('scalar/loss');
    const outputs = then(
      loss,
      state.trainable().map(([name]) => get(`gradient/${name}`)),
    );
    const scalars = Object.fromEntries(scalarNames.map((name) => [name, get(`scalar/${name}`)]));
    return { loss, ...outputs, ...scalars, [stopOutput]: get(`scalar/${stopOutput}`) };
  };

  const updateModel = compile(
    (settings) => reduced((loss, gradients) => update(state, { loss, gradients, settings, clipGrad })),
    { device, name: 'update model', profile },
  );

  const accumulationModel =
    accumulation === null
      ? null
      : compile(
          () =>
            reduced((loss, gradients) => {
              accumulation.add(gradients, loss);
              return {};
            }),
          { device, name: 'accumulation model', profile },
        );

  const step = async (inputs: Readonly<Record<string, HostTensor>>, updates: boolean) => {
    const { batch, settings } = state.hyperparameters.split(inputs);
    await gradientModel({ ...batch, [stopOutput]: stopTensor(stopping()) });
    for (const variable of buckets.variables) {
      await communicator.allReduce(await variable.bufferOn(device), 'sum');
    }
    return updates || accumulationModel === null ? updateModel(settings) : accumulationModel({});
  };
  /** Steps of several callers would mix up the buckets. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = (inputs: Readonly<Record<string, HostTensor>>, updates = true) => {
    const result = turn.then(() => step(inputs, updates));
    turn = result.catch(() => undefined);
    return result;
  };
  let executables: readonly Executable[] = [];
  return Object.assign(inTurn, {
    prepare: async (inputs: Readonly<Record<string, TensorType>>) => {
      const { batch, settings } = state.hyperparameters.split(inputs);
      executables = [
        await gradientModel.prepare({ ...batch, [stopOutput]: stopType }),
        await updateModel.prepare(settings),
        ...(accumulationModel === null ? [] : [await accumulationModel.prepare({})]),
      ];
      return executables;
    },
    profile: () => executables.flatMap((executable) => executable.profile()),
    dispose: () => {
      gradientModel.dispose();
      updateModel.dispose();
      accumulationModel?.dispose();
      buckets.release();
    },
  });
}
