/** MobileNetV2 of width 1 (Sandler et al., 2018), a network of depthwise blocks, for the benchmark. */

import { add, type Tensor } from '@omma/core';
import { BatchNorm2d, Conv2d, Module, ReLU6, Sequential } from '@omma/nn';

/** Expansion, channels, blocks, stride of the first. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

export class MobileNetV2 extends Module<readonly [Tensor], readonly Tensor[]> {
  readonly outChannels = 1280;
  readonly conv1: Sequential;
  readonly blocks: Sequential;
  readonly conv2: Sequential;

  constructor() {
    super();
    const blocks: InvertedResidual[] = [];
    let channels = 32;
    for (const [expansion, outChannels, count, stride] of stages) {
      for (let i = 0; i < count; i++) {
        blocks.push(new InvertedResidual(channels, outChannels, i === 0 ? stride : 1, expansion));
        channels = outChannels;
      }
    }
    this.conv1 = new Sequential(...convNorm(3, 32, 3, 2, 1), new ReLU6());
    this.blocks = new Sequential(...blocks);
    this.conv2 = new Sequential(...convNorm(channels, this.outChannels, 1, 1, 1), new ReLU6());
  }

  override forward(x: Tensor): readonly Tensor[] {
    return [this.conv2.call(this.blocks.call(this.conv1.call(x)))];
  }
}

/** Expand by 1x1, filter each channel by 3x3, project by 1x1; with a shortcut where the shape allows it. */
class InvertedResidual extends Module {
  readonly layers: Sequential;
  readonly #residual: boolean;

  constructor(inChannels: number, outChannels: number, stride: number, expansion: number) {
    super();
    const hidden = inChannels * expansion;
    const expand = expansion === 1 ? [] : [...convNorm(inChannels, hidden, 1, 1, 1), new ReLU6()];
    this.layers = new Sequential(
      ...expand,
      ...convNorm(hidden, hidden, 3, stride, hidden),
      new ReLU6(),
      ...convNorm(hidden, outChannels, 1, 1, 1),
    );
    this.#residual = stride === 1 && inChannels === outChannels;
  }

  override forward(x: Tensor): Tensor {
    const y = this.layers.call(x);
    return this.#residual ? add(x, y) : y;
  }
}

function convNorm(
  inChannels: number,
  outChannels: number,
  kernel: number,
  stride: number,
  groups: number,
): Module[] {
  const padding = (kernel - 1) / 2;
  return [
    new Conv2d(inChannels, outChannels, kernel, { stride, padding, groups, bias: false }),
    new BatchNorm2d(outChannels),
  ];
}
