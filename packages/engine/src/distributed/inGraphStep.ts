/**
 * The data parallel step as one graph, on devices that run collectives inside their programs: the step of one device with averages over the ranks in it.
 * With gradient accumulation there are two such graphs, as on one device.
 */

import {
  advance,
  compile,
  type Executable,
  type HostTensor,
  OmmaError,
  type Tensor,
  type TensorRecord,
  type TensorType,
} from '@omma/core';
import { forwardBackward, update } from '../runner/stepParts.ts';
import type { TrainState } from '../runner/trainState.ts';
import type { TrainStep } from '../runner/trainStep.ts';
import type { DataParallelStepOptions } from './dataParallelStep.ts';
import { summed } from './inGraph.ts';
import { namedTensors, rankKey, stopOutput, stopTensor, stopType, writtenSoFar } from './stepTensors.ts';

export function compileInGraphStep(
  state: TrainState,
  { device, amp, clipGrad, communicator, stopping, profile = false }: DataParallelStepOptions,
): TrainStep {
  const { rank, size } = communicator;
  const { accumulation } = state;
  const options = { device, profile, ...(amp === null ? {} : { amp }) };
  /** Forward, backward and the averages; `then` gets the loss and gradients that all ranks have in common. */
  const pass = (
    { [stopOutput]: stop, ...batch }: TensorRecord,
    then: (loss: Tensor, gradients: readonly Tensor[]) => TensorRecord,
  ): TensorRecord => {
    if (stop === undefined) throw new OmmaError('train step: the input stop is missing');
    const { loss, scalars = {}, gradients } = forwardBackward(state, batch, rankKey(state, rank), 1 / size);
    const statistics = writtenSoFar();
    const get = summed(namedTensors(state, { loss, scalars, gradients, statistics, stop }, 1 / size), size);
    for (const variable of statistics) variable.write(get(`state/${variable.name}`));
    const common = state.trainable().map(([name]) => get(`gradient/${name}`));
    const outputs = then(get('scalar/loss'), common);
    advance(state.random);
    const means = Object.fromEntries(Object.keys(scalars).map((name) => [name, get(`scalar/${name}`)]));
    return { loss: get('scalar/loss'), ...outputs, ...means, [stopOutput]: get(`scalar/${stopOutput}`) };
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
      const stop = { [stopOutput]: stopTensor(stopping()) };
      if (updates || accumulate === null) return step({ ...inputs, ...stop });
      return accumulate({ ...state.hyperparameters.split(inputs).batch, ...stop });
    },
    {
      prepare: async (inputs: Readonly<Record<string, TensorType>>) => {
        const stop = { [stopOutput]: stopType };
        const { batch } = state.hyperparameters.split(inputs);
        executables = [
          await step.prepare({ ...inputs, ...stop }),
          ...(accumulate === null ? [] : [await accumulate.prepare({ ...batch, ...stop })]),
        ];
        return executables;
      },
      profile: () => executables.flatMap((executable) => executable.profile()),
      dispose: () => {
        step.dispose();
        accumulate?.dispose();
      },
    },
  );
}
