/**
 * The training step: forward, loss, backward, clipping, optimiser, batch-norm statistics and random counter, as one compiled graph.
 * A batch and what schedules move go in, the loss comes out; everything else stays on the device. With gradient accumulation there are two graphs: one
 * that only adds to the sums, and the one that takes the step.
 */

import {
  advance,
  type Communicator,
  compile,
  type Device,
  type Executable,
  type Graph,
  type HostTensor,
  type MixedPrecision,
  type NodeProfile,
  type Tensor,
  type TensorRecord,
  type TensorType,
} from '@omma/core';
import type { ClipGradConfig } from '../optim/gradients.ts';
import { forwardBackward, update } from './stepParts.ts';
import type { TrainState } from './trainState.ts';

export interface TrainStepOptions {
  readonly device: Device;
  readonly amp: MixedPrecision | null;
  readonly clipGrad: ClipGradConfig | null;
  /** Measure time and bytes per node. */
  readonly profile?: boolean;
  /** See `compile`: for a step with collectives on a device that does not run them. */
  readonly collectives?: Communicator;
}

/** `updates` false: the batch is not the last of its accumulation, its gradients are only kept. */
export type TrainStepCall = (
  inputs: Readonly<Record<string, HostTensor>>,
  updates?: boolean,
) => Promise<Record<string, HostTensor>>;

/** A compiled training step: a batch and the state's hyperparameters in, scalars out. On one device it is one compiled function, on several there is more to it. */
export interface TrainStep extends TrainStepCall {
  /** Compiles for these input types without running. Gives the executables. */
  prepare(inputs: Readonly<Record<string, TensorType>>): Promise<readonly Executable[]>;
  /** What has been measured so far, of all that `prepare` compiled. */
  profile(): readonly NodeProfile[];
  dispose(): void;
}

/** A step that is one graph, which may be looked at. */
export interface LocalTrainStep extends TrainStep {
  /** The graph of an update as traced for these input types, before passes. */
  graph(inputs: Readonly<Record<string, TensorType>>): Graph;
}

/** Compiles the step of `state` for one device. Outputs: `loss`, `gradNorm` when gradients are clipped, and the model's own scalars. */
export function compileTrainStep(state: TrainState, options: TrainStepOptions): LocalTrainStep {
  return compilePass(state, options, (batch, then) => {
    const { loss, scalars = {}, gradients } = forwardBackward(state, batch, state.random.read());
    const outputs = then(loss, gradients);
    advance(state.random);
    return { loss, ...outputs, ...scalars };
  });
}

/** Forward and backward on a batch, and `then` what becomes of its loss and gradients. Gives the step's outputs. Inside `trace`. */
export type Pass = (
  batch: TensorRecord,
  then: (loss: Tensor, gradients: readonly Tensor[]) => TensorRecord,
) => TensorRecord;

/** A step of one graph, or with accumulation of two, around `pass`. */
export function compilePass(
  state: TrainState,
  { device, amp, clipGrad, profile = false, collectives }: TrainStepOptions,
  pass: Pass,
): LocalTrainStep {
  const { accumulation } = state;
  const options = {
    device,
    profile,
    ...(amp === null ? {} : { amp }),
    ...(collectives === undefined ? {} : { collectives }),
  };
  const step = compile(
    (inputs) => {
      const { batch, settings } = state.hyperparameters.split(inputs);
      return pass(batch, (loss, gradients) => update(state, { loss, gradients, settings, clipGrad }));
    },
    { ...options, name: 'train step' },
  );
  const accumulate =
    accumulation === null
      ? null
      : compile(
          (batch) =>
            pass(batch, (loss, gradients) => {
              accumulation.add(gradients, loss);
              return {};
            }),
          { ...options, name: 'accumulation step' },
        );
  let executables: readonly Executable[] = [];
  return Object.assign(
    (inputs: Readonly<Record<string, HostTensor>>, updates = true) => {
      if (updates || accumulate === null) return step(inputs);
      return accumulate(state.hyperparameters.split(inputs).batch);
    },
    {
      prepare: async (inputs: Readonly<Record<string, TensorType>>) => {
        const { batch } = state.hyperparameters.split(inputs);
        executables = [
          await step.prepare(inputs),
          ...(accumulate === null ? [] : [await accumulate.prepare(batch)]),
        ];
        return executables;
      },
      graph: (inputs: Readonly<Record<string, TensorType>>) => step.graph(inputs),
      profile: () => executables.flatMap((executable) => executable.profile()),
      dispose: () => {
        step.dispose();
        accumulate?.dispose();
      },
    },
  );
}
