/**
 * @omma/nn: modules, layers, initialisers, optimisers as graph fragments, weight files.
 *
 * Above the graph (core), below vision (cv) and the engine. Runs in Node and in the browser, so it knows neither.
 */

export * from './analysis/modelComplexity.ts';
export * as init from './init.ts';
export { type Initializer, initialize } from './init.ts';
export * from './initConfig.ts';
export * from './layers/activation.ts';
export * from './layers/container.ts';
export * from './layers/conv.ts';
export * from './layers/linear.ts';
export * from './layers/norm.ts';
export * from './layers/options.ts';
export * from './layers/pool.ts';
export type { Ranks } from './layers/syncStatistics.ts';
export * from './module.ts';
export * from './optim/adadelta.ts';
export * from './optim/adafactor.ts';
export * from './optim/adagrad.ts';
export * from './optim/adam.ts';
export * from './optim/adamax.ts';
export * from './optim/adan.ts';
export * from './optim/asgd.ts';
export * from './optim/clip.ts';
export * from './optim/dadapt/dadaptAdaGrad.ts';
export * from './optim/dadapt/dadaptAdam.ts';
export type { DAdaptationOptions } from './optim/dadapt/dadaptation.ts';
export * from './optim/dadapt/dadaptSGD.ts';
export * from './optim/lamb.ts';
export * from './optim/lars.ts';
export * from './optim/lion.ts';
export * from './optim/nadam.ts';
export * from './optim/optimizer.ts';
export * from './optim/radam.ts';
export * from './optim/rmsprop.ts';
export * from './optim/rprop.ts';
export * from './optim/sgd.ts';
export * from './parameter.ts';
export { HostRandom, saltOf, withRandomKey } from './random.ts';
export * from './weights/dtypes.ts';
export * from './weights/header.ts';
export * from './weights/numbers.ts';
export * from './weights/safetensors.ts';
