/**
 * Initialisers: how a parameter's first numbers are drawn.
 *
 * Numbers come from core's Threefry generator, keyed by the seed and a salt made from the parameter's name. So the same seed gives
 * the same weights whatever the order in which layers are made, and on every machine.
 */

import { formatShape, OmmaError, type Shape, sizeOf } from '@omma/core';
import type { Module } from './module.ts';
import { HostRandom, saltOf } from './random.ts';

export type Initializer = (shape: Shape, random: HostRandom) => Float32Array;

export type FanMode = 'fanIn' | 'fanOut';
export type Nonlinearity = 'linear' | 'relu' | 'leakyRelu' | 'tanh' | 'sigmoid' | 'selu';

/** Fills every parameter of `model` from its initialiser. */
export async function initialize(model: Module<never, unknown>, seed: number): Promise<void> {
  for (const [name, parameter] of model.namedParameters()) {
    await parameter.upload(parameter.initializer(parameter.shape, new HostRandom(seed, saltOf(name))));
  }
}

export function constant(value: number): Initializer {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

export function normal(mean = 0, std = 1): Initializer {
  return (shape, random) => random.normal(sizeOf(shape)).map((x) => mean + std * x);
}

export function uniform(low = 0, high = 1): Initializer {
  return (shape, random) => random.uniform(sizeOf(shape)).map((u) => low + (high - low) * u);
}

/** Normal numbers, drawn again where they fall outside [low, high]. */
export function truncatedNormal(mean = 0, std = 1, low = -2, high = 2): Initializer {
  if (!(low < high))
    throw new OmmaError(`truncatedNormal: low must be below high but they are ${low} and ${high}`);
  return (shape, random) => {
    const data = new Float32Array(sizeOf(shape));
    let filled = 0;
    while (filled < data.length) {
      for (const x of random.normal(data.length - filled)) {
        const value = mean + std * x;
        if (value >= low && value <= high) data[filled++] = value;
      }
    }
    return data;
  };
}

export interface KaimingOptions {
  readonly mode?: FanMode;
  readonly nonlinearity?: Nonlinearity;
  /** Negative slope, for leakyRelu. */
  readonly slope?: number;
}

/** He et al.: std = gain / sqrt(fan). Fan-out and ReLU are what OpenMMLab's ResNets use. */
export function kaimingNormal(options: KaimingOptions = {}): Initializer {
  return (shape, random) => normal(0, kaimingStd(shape, options))(shape, random);
}

export function kaimingUniform(options: KaimingOptions = {}): Initializer {
  return (shape, random) => {
    const bound = Math.sqrt(3) * kaimingStd(shape, options);
    return uniform(-bound, bound)(shape, random);
  };
}

/** Glorot: std = gain * sqrt(2 / (fan in + fan out)). */
export function xavierNormal(gain = 1): Initializer {
  return (shape, random) => normal(0, xavierStd(shape, gain))(shape, random);
}

export function xavierUniform(gain = 1): Initializer {
  return (shape, random) => {
    const bound = Math.sqrt(3) * xavierStd(shape, gain);
    return uniform(-bound, bound)(shape, random);
  };
}

/** Caffe2's XavierFill, which is He's with a linear gain: uniform within sqrt(3 / fan in). */
export function caffe2Xavier(): Initializer {
  return kaimingUniform({ mode: 'fanIn', nonlinearity: 'leakyRelu', slope: 1 });
}

/** The bias whose sigmoid is `probability`: so a classifier of rare things begins by expecting few (Lin et al., Focal loss, 2017). */
export function biasInitWithProb(probability: number): number {
  if (!(probability > 0 && probability < 1))
    throw new OmmaError(`biasInitWithProb: the probability must lie between 0 and 1 but is ${probability}`);
  return -Math.log((1 - probability) / probability);
}

/** PyTorch's default for convolution and linear weights: uniform within 1 / sqrt(fan in). */
export function pytorchWeight(): Initializer {
  return kaimingUniform({ mode: 'fanIn', nonlinearity: 'leakyRelu', slope: Math.sqrt(5) });
}

/** PyTorch's default for the bias that belongs to a weight of shape `weight`. */
export function pytorchBias(weight: Shape): Initializer {
  const { fanIn } = fans(weight);
  const bound = fanIn === 0 ? 0 : 1 / Math.sqrt(fanIn);
  return uniform(-bound, bound);
}

/** How many inputs an output sees, and how many outputs an input feeds. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  const [out, inputs] = shape;
  if (out === undefined || inputs === undefined) {
    throw new OmmaError(`init: fans need a weight of rank 2 or more but the shape is ${formatShape(shape)}`);
  }
  const receptive = sizeOf(shape.slice(2));
  return { fanIn: inputs * receptive, fanOut: out * receptive };
}

/** PyTorch's recommended gain of a nonlinearity. */
export function gainOf(nonlinearity: Nonlinearity, slope = 0.01): number {
  switch (nonlinearity) {
    case 'linear':
    case 'sigmoid':
      return 1;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + slope ** 2));
    case 'tanh':
      return 5 / 3;
    case 'selu':
      return 3 / 4;
  }
}

function kaimingStd(shape: Shape, { mode = 'fanIn', nonlinearity = 'relu', slope }: KaimingOptions): number {
  return gainOf(nonlinearity, slope) / Math.sqrt(fans(shape)[mode]);
}

function xavierStd(shape: Shape, gain: number): number {
  const { fanIn, fanOut } = fans(shape);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}
