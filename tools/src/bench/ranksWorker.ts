/**
 * One process of the benchmark of data parallel training: a ResNet-18 step over its part of 32 pictures of 112x112, again and again. With torchrun's variables one of
 * several, else alone. The first one prints the milliseconds of the steps as a line of JSON.
 */

import '@omma/cpu';
import { device, hostTensor } from '@omma/core';
import {
  compileDataParallelStep,
  compileTrainStep,
  Distributed,
  distributedEnvironment,
  TrainState,
} from '@omma/engine';
import { initialize, SGD } from '@omma/nn';
import { buildNetwork, classes } from './network.ts';

const pictures = 32;
const size = 112;
const warmUp = 3;
const steps = Number(process.argv[2]);

const environment = distributedEnvironment(process.env);
const cpu = device('cpu');
const model = buildNetwork('resnet18');
model.assignNames();
await initialize(model, 0);
const optimizer = new SGD({ momentum: 0.9, weightDecay: 1e-4 });
const state = new TrainState(model, optimizer, { seed: 0, lossScale: null, lr: 0.01 });
const distributed = environment === null ? null : await Distributed.start(environment, cpu);
const options = { device: cpu, amp: null, clipGrad: null };
const step =
  distributed === null
    ? compileTrainStep(state, options)
    : compileDataParallelStep(state, {
        ...options,
        communicator: distributed.communicator,
        stopping: () => false,
      });

const batch = pictures / (environment?.size ?? 1);
const first = batch * (environment?.rank ?? 0);
const noise = (i: number) => ((i * 2654435761) % 65536) / 32768 - 1;
const area = 3 * size * size;
const inputs = {
  image: hostTensor(
    [batch, 3, size, size],
    'float32',
    Float32Array.from({ length: batch * area }, (_, i) => noise(first * area + i)),
  ),
  label: hostTensor(
    [batch],
    'int32',
    Int32Array.from({ length: batch }, (_, i) => ((first + i) * 37) % classes),
  ),
  lr: hostTensor([], 'float32', Float32Array.of(0.01)),
};
const milliseconds: number[] = [];
for (let i = 0; i < warmUp + steps; i++) {
  const begin = performance.now();
  await step(inputs);
  if (i >= warmUp) milliseconds.push(performance.now() - begin);
}
await distributed?.finish();
await distributed?.dispose();
if ((environment?.rank ?? 0) === 0) process.stdout.write(`${JSON.stringify(milliseconds)}\n`);
process.exit(0);
