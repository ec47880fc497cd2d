/** Layers that change the spatial size and have no parameters. */

import {
  adaptiveAvgPool2d,
  avgPool2d,
  globalAvgPool,
  maxPool2d,
  OmmaError,
  resize,
  type Tensor,
} from '@omma/core';
import { Module } from '../module.ts';
import { type Padding2d, pair, type Size2d } from './options.ts';

export interface MaxPool2dOptions {
  readonly kernel: Size2d;
  /** The kernel's size unless given. */
  readonly stride?: Size2d;
  readonly padding?: Padding2d;
  readonly dilation?: Size2d;
  readonly ceilMode?: boolean;
}

export class MaxPool2d extends Module {
  readonly options: MaxPool2dOptions;

  constructor(options: MaxPool2dOptions) {
    super();
    this.options = options;
  }

  override forward(x: Tensor): Tensor {
    return maxPool2d(x, this.options);
  }
}

export interface AvgPool2dOptions {
  readonly kernel: Size2d;
  readonly stride?: Size2d;
  readonly padding?: Padding2d;
  readonly ceilMode?: boolean;
  readonly countIncludePad?: boolean;
}

export class AvgPool2d extends Module {
  readonly options: AvgPool2dOptions;

  constructor(options: AvgPool2dOptions) {
    super();
    this.options = options;
  }

  override forward(x: Tensor): Tensor {
    return avgPool2d(x, this.options);
  }
}

/** [N, C, H, W] to [N, C, 1, 1]. */
export class GlobalAvgPool extends Module {
  override forward(x: Tensor): Tensor {
    return globalAvgPool(x);
  }
}

export class AdaptiveAvgPool2d extends Module {
  readonly output: readonly [number, number];

  constructor(output: Size2d) {
    super();
    this.output = pair(output);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.output);
  }
}

export interface UpsampleOptions {
  /** Target size, or `scale`. */
  readonly size?: Size2d;
  readonly scale?: Size2d;
  readonly mode?: 'nearest' | 'bilinear' | 'bicubic';
  readonly alignCorners?: boolean;
}

export class Upsample extends Module {
  readonly options: UpsampleOptions;

  constructor(options: UpsampleOptions) {
    super();
    if ((options.size === undefined) === (options.scale === undefined)) {
      throw new OmmaError('Upsample: give either size or scale');
    }
    this.options = options;
  }

  override forward(x: Tensor): Tensor {
    const { size, scale = 1, mode = 'nearest', alignCorners = false } = this.options;
    const [vertical, horizontal] = pair(scale);
    const target = size === undefined ? [x.dim(2) * vertical, x.dim(3) * horizontal] : pair(size);
    const [height = 1, width = 1] = target.map(Math.floor);
    return resize(x, { size: [height, width], mode, alignCorners });
  }
}
