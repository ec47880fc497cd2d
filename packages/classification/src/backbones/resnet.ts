/**
 * ResNet (He et al., 2015), with OpenMMLab's names and options: `conv1`, `bn1`, `layer1.0.conv1`, `layer1.0.downsample.0`.
 *
 * Two stems: `imagenet` (7x7 stride 2, then max pooling) and `cifar` (3x3 stride 1, no pooling), for pictures of a few dozen pixels.
 */

import { OmmaError, relu, type Tensor } from '@omma/core';
import type { KnowsLayerDepth, LayerDepth } from '@omma/engine';
import { BatchNorm2d, Conv2d, MaxPool2d, Module, Sequential } from '@omma/nn';
import {
  BasicBlock,
  type BlockClass,
  type BlockOptions,
  Bottleneck,
  convWeightInit,
} from './resnetBlocks.ts';
import { resNetLayerDepth } from './resnetLayerDepth.ts';

export const resNetDepths = [18, 34, 50, 101, 152] as const;
export type ResNetDepth = (typeof resNetDepths)[number];

export interface ResNetOptions {
  readonly depth: ResNetDepth;
  /** Input channels; 3 unless given. */
  readonly inChannels?: number;
  /** Channels of the stem; 64 unless given. */
  readonly stemChannels?: number;
  /** Channels of the first stage before expansion; 64 unless given. */
  readonly baseChannels?: number;
  readonly numStages?: number;
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Stages whose features are given out; the last unless given. */
  readonly outIndices?: readonly number[];
  /** `pytorch`: a bottleneck's stride is in its 3x3 convolution; `caffe`: in the first 1x1. */
  readonly style?: 'pytorch' | 'caffe';
  readonly stem?: 'imagenet' | 'cifar';
  /** Stem (0) and stages up to this number get no training; -1 (default) freezes nothing. */
  readonly frozenStages?: number;
  /** Batch norm uses its running statistics in training too. */
  readonly normEval?: boolean;
  /** The last norm of each block starts at zero, so that a block starts as the identity. */
  readonly zeroInitResidual?: boolean;
}

const architectures: Readonly<Record<ResNetDepth, { block: BlockClass; blocks: readonly number[] }>> = {
  18: { block: BasicBlock, blocks: [2, 2, 2, 2] },
  34: { block: BasicBlock, blocks: [3, 4, 6, 3] },
  50: { block: Bottleneck, blocks: [3, 4, 6, 3] },
  101: { block: Bottleneck, blocks: [3, 4, 23, 3] },
  152: { block: Bottleneck, blocks: [3, 8, 36, 3] },
};

export class ResNet extends Module<readonly [Tensor], readonly Tensor[]> implements KnowsLayerDepth {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  /** Channels of the last feature map. */
  readonly outChannels: number;
  readonly #pool: MaxPool2d | null;
  readonly #stages: Sequential[] = [];
  readonly #outIndices: readonly number[];
  readonly #frozenStages: number;
  readonly #normEval: boolean;
  readonly #blocks: readonly number[];

  constructor(options: ResNetOptions) {
    super();
    const {
      depth,
      inChannels = 3,
      stemChannels = 64,
      baseChannels = 64,
      numStages = 4,
      stem = 'imagenet',
    } = options;
    const { strides = [1, 2, 2, 2], dilations = [1, 1, 1, 1], outIndices = [numStages - 1] } = options;
    const { style = 'pytorch', frozenStages = -1, normEval = false, zeroInitResidual = false } = options;
    checkStages(numStages, strides, dilations, outIndices);
    const { block, blocks } = architectures[depth];
    const window =
      stem === 'imagenet' ? { size: 7, stride: 2, padding: 3 } : { size: 3, stride: 1, padding: 1 };
    this.conv1 = new Conv2d(inChannels, stemChannels, window.size, {
      stride: window.stride,
      padding: window.padding,
      bias: false,
      weightInit: convWeightInit,
    });
    this.bn1 = new BatchNorm2d(stemChannels);
    this.#pool = stem === 'imagenet' ? new MaxPool2d({ kernel: 3, stride: 2, padding: 1 }) : null;
    let channels = stemChannels;
    for (let stage = 0; stage < numStages; stage++) {
      const planes = baseChannels * 2 ** stage;
      const layers = Array.from({ length: blocks[stage] ?? 0 }, (_, i) => {
        const blockOptions: BlockOptions = {
          stride: i === 0 ? (strides[stage] ?? 1) : 1,
          dilation: dilations[stage] ?? 1,
          style,
          zeroInit: zeroInitResidual,
        };
        const layer = new block(channels, planes, blockOptions);
        channels = planes * block.expansion;
        return layer;
      });
      this.#stages.push(this.add(`layer${stage + 1}`, new Sequential(...layers)));
    }
    this.#blocks = blocks;
    this.outChannels = channels;
    this.#outIndices = outIndices;
    this.#frozenStages = frozenStages;
    this.#normEval = normEval;
    for (const part of this.#frozen()) part.freeze();
    this.train();
  }

  override forward(x: Tensor): readonly Tensor[] {
    let y = relu(this.bn1.call(this.conv1.call(x)));
    if (this.#pool !== null) y = this.#pool.call(y);
    const features: Tensor[] = [];
    this.#stages.forEach((stage, i) => {
      y = stage.call(y);
      if (this.#outIndices.includes(i)) features.push(y);
    });
    return features;
  }

  /** Frozen stages, and all batch norms with `normEval`, stay in evaluation mode. */
  override train(mode = true): this {
    super.train(mode);
    if (mode) {
      for (const part of this.#frozen()) part.eval();
      if (this.#normEval) {
        for (const [, module] of this.namedModules()) if (module instanceof BatchNorm2d) module.eval();
      }
    }
    return this;
  }

  getLayerDepth(name: string | null): LayerDepth {
    return resNetLayerDepth(name, this.#blocks);
  }

  #frozen(): Module[] {
    if (this.#frozenStages < 0) return [];
    return [this.conv1, this.bn1, ...this.#stages.slice(0, this.#frozenStages)];
  }
}

function checkStages(
  numStages: number,
  strides: readonly number[],
  dilations: readonly number[],
  outIndices: readonly number[],
): void {
  if (numStages < 1 || numStages > 4)
    throw new OmmaError(`ResNet: numStages must be 1 to 4 but is ${numStages}`);
  if (strides.length < numStages || dilations.length < numStages) {
    throw new OmmaError(
      `ResNet: strides and dilations need one entry for each of ${numStages} stages but have ${strides.length} and ${dilations.length}`,
    );
  }
  const outside = outIndices.find((index) => index < 0 || index >= numStages);
  if (outside !== undefined) {
    throw new OmmaError(`ResNet: outIndices must be 0 to ${numStages - 1} but contain ${outside}`);
  }
}
