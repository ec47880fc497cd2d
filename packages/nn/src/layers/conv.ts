/** Convolution and its transpose. Weights start as PyTorch's do unless another initialiser is given. */

import { conv2d, convTranspose2d, OmmaError, type Tensor } from '@omma/core';
import { type Initializer, pytorchBias, pytorchWeight } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { type Padding2d, pair, type Size2d } from './options.ts';

export interface Conv2dOptions {
  readonly stride?: Size2d;
  readonly padding?: Padding2d;
  readonly dilation?: Size2d;
  readonly groups?: number;
  /** True unless given. */
  readonly bias?: boolean;
  readonly weightInit?: Initializer;
  readonly biasInit?: Initializer;
}

export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #window: { stride: Size2d; padding: Padding2d; dilation: Size2d; groups: number };

  constructor(inChannels: number, outChannels: number, kernelSize: Size2d, options: Conv2dOptions = {}) {
    super();
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    checkGroups('Conv2d', inChannels, outChannels, groups);
    const shape = [outChannels, inChannels / groups, ...pair(kernelSize)];
    this.weight = new Parameter(shape, options.weightInit ?? pytorchWeight());
    this.bias = bias ? new Parameter([outChannels], options.biasInit ?? pytorchBias(shape)) : null;
    this.#window = { stride, padding, dilation, groups };
  }

  override forward(x: Tensor): Tensor {
    return conv2d(x, this.weight.read(), this.bias?.read() ?? null, this.#window);
  }
}

export interface ConvTranspose2dOptions extends Conv2dOptions {
  readonly outputPadding?: Size2d;
}

export class ConvTranspose2d extends Module {
  /** [in, out / groups, kh, kw], as PyTorch lays it out. */
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #window: {
    stride: Size2d;
    padding: Padding2d;
    dilation: Size2d;
    groups: number;
    outputPadding: Size2d;
  };

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size2d,
    options: ConvTranspose2dOptions = {},
  ) {
    super();
    const { stride = 1, padding = 0, dilation = 1, groups = 1, outputPadding = 0, bias = true } = options;
    checkGroups('ConvTranspose2d', inChannels, outChannels, groups);
    const shape = [inChannels, outChannels / groups, ...pair(kernelSize)];
    this.weight = new Parameter(shape, options.weightInit ?? pytorchWeight());
    this.bias = bias ? new Parameter([outChannels], options.biasInit ?? pytorchBias(shape)) : null;
    this.#window = { stride, padding, dilation, groups, outputPadding };
  }

  override forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight.read(), this.bias?.read() ?? null, this.#window);
  }
}

function checkGroups(layer: string, inChannels: number, outChannels: number, groups: number): void {
  if (inChannels % groups === 0 && outChannels % groups === 0) return;
  throw new OmmaError(
    `${layer}: groups must divide both channel counts but groups is ${groups}, in ${inChannels}, out ${outChannels}`,
  );
}
