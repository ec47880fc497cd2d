/**
 * The data parallel step as one graph, on devices that run collectives inside their programs: the step of one device with averages over the ranks in it.
 * With gradient accumulation there are two such graphs, as on one device.
 */

import { advance, type HostTensor, OmmaError, type TensorType } from '@omma/core';
import { forwardBackward } from '../runner/stepParts.ts';
import type { TrainState } from '../runner/trainState.ts';
import { compilePass, type Pass, type TrainStep } from '../runner/trainStep.ts';
import type { DataParallelStepOptions } from './dataParallelStep.ts';
import { summed } from './inGraph.ts';
import { namedTensors, rankKey, stopOutput, stopTensor, stopType, writtenSoFar } from './stepTensors.ts';

export function compileInGraphStep(state: TrainState, options: DataParallelStepOptions): TrainStep {
  const { communicator, stopping } = options;
  const { rank, size } = communicator;
  /** Forward, backward and the averages; `then` gets the loss and gradients that all ranks have in common. */
  const pass: Pass = ({ [stopOutput]: stop, ...batch }, then) => {
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
  const step = compilePass(state, options, pass);
  const { profile, dispose } = step;
  return Object.assign(
    (inputs: Readonly<Record<string, HostTensor>>, updates?: boolean) =>
      step({ ...inputs, [stopOutput]: stopTensor(stopping()) }, updates),
    {
      prepare: (inputs: Readonly<Record<string, TensorType>>) =>
        step.prepare({ ...inputs, [stopOutput]: stopType }),
      profile,
      dispose,
    },
  );
}
