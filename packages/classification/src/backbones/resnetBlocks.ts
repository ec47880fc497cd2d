/** The residual blocks of ResNet: two 3x3 convolutions, or 1x1, 3x3, 1x1 around a bottleneck. */

import { add, relu, type Tensor } from '@omma/core';
import { BatchNorm2d, Conv2d, init, Module, Sequential } from '@omma/nn';

export interface BlockOptions {
  readonly stride: number;
  readonly dilation: number;
  readonly style: 'pytorch' | 'caffe';
  /** The last norm's weight starts at zero. */
  readonly zeroInit: boolean;
}

export interface BlockClass {
  new (inChannels: number, planes: number, options: BlockOptions): Module;
  /** Output channels per plane. */
  readonly expansion: number;
}

/** Of the last norm of a block with `zeroInitResidual`; no initConfig takes its place. */
export const zeroResidual = init.constant(0);

/** What OpenMMLab's ResNets start from. */
export const convWeightInit = init.kaimingNormal({ mode: 'fanOut', nonlinearity: 'relu' });

export class BasicBlock extends Module {
  static readonly expansion = 1;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inChannels: number, planes: number, { stride, dilation, zeroInit }: BlockOptions) {
    super();
    this.conv1 = conv3x3(inChannels, planes, stride, dilation);
    this.bn1 = new BatchNorm2d(planes);
    this.conv2 = conv3x3(planes, planes, 1, 1);
    this.bn2 = lastNorm(planes, zeroInit);
    this.downsample = shortcut(inChannels, planes, stride);
  }

  override forward(x: Tensor): Tensor {
    const y = relu(this.bn1.call(this.conv1.call(x)));
    const z = this.bn2.call(this.conv2.call(y));
    return relu(add(z, this.downsample === null ? x : this.downsample.call(x)));
  }
}

export class Bottleneck extends Module {
  static readonly expansion = 4;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inChannels: number, planes: number, { stride, dilation, style, zeroInit }: BlockOptions) {
    super();
    const outChannels = planes * Bottleneck.expansion;
    const [stride1, stride2] = style === 'pytorch' ? [1, stride] : [stride, 1];
    this.conv1 = conv1x1(inChannels, planes, stride1);
    this.bn1 = new BatchNorm2d(planes);
    this.conv2 = conv3x3(planes, planes, stride2, dilation);
    this.bn2 = new BatchNorm2d(planes);
    this.conv3 = conv1x1(planes, outChannels, 1);
    this.bn3 = lastNorm(outChannels, zeroInit);
    this.downsample = shortcut(inChannels, outChannels, stride);
  }

  override forward(x: Tensor): Tensor {
    const y = relu(this.bn1.call(this.conv1.call(x)));
    const z = relu(this.bn2.call(this.conv2.call(y)));
    const w = this.bn3.call(this.conv3.call(z));
    return relu(add(w, this.downsample === null ? x : this.downsample.call(x)));
  }
}

function conv1x1(inChannels: number, outChannels: number, stride: number): Conv2d {
  return new Conv2d(inChannels, outChannels, 1, { stride, bias: false, weightInit: convWeightInit });
}

function conv3x3(inChannels: number, outChannels: number, stride: number, dilation: number): Conv2d {
  const window = { stride, padding: dilation, dilation };
  return new Conv2d(inChannels, outChannels, 3, { ...window, bias: false, weightInit: convWeightInit });
}

/** The norm before the addition. */
function lastNorm(channels: number, zeroInit: boolean): BatchNorm2d {
  const norm = new BatchNorm2d(channels);
  if (zeroInit) norm.weight.initializer = zeroResidual;
  return norm;
}

/** `downsample`: a 1x1 convolution and a norm where the shapes of input and output differ; otherwise nothing. */
function shortcut(inChannels: number, outChannels: number, stride: number): Sequential | null {
  if (stride === 1 && inChannels === outChannels) return null;
  return new Sequential(conv1x1(inChannels, outChannels, stride), new BatchNorm2d(outChannels));
}
