/** Layers that arrange others, and the smallest ones. */

import { dropout, OmmaError, reshape, type Tensor } from '@omma/core';
import { Module } from '../module.ts';
import { drawKey } from '../random.ts';

/** Children `0`, `1`, ... one after the other. */
export class Sequential extends Module {
  readonly length: number;

  constructor(...layers: readonly Module[]) {
    super();
    this.length = layers.length;
    layers.forEach((layer, i) => {
      this.#layers.push(this.add(String(i), layer));
    });
  }

  readonly #layers: Module[] = [];

  override forward(x: Tensor): Tensor {
    return this.#layers.reduce((y, layer) => layer.call(y), x);
  }
}

/** Gives back its input: a place that a config can fill. */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}

/** [N, ...] to [N, everything else]. */
export class Flatten extends Module {
  override forward(x: Tensor): Tensor {
    return reshape(x, [x.dim(0), -1]);
  }
}

/** In training, zeroes elements with probability `p` and scales the rest up by 1 / (1 - p). */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    if (!(p >= 0 && p < 1)) throw new OmmaError(`Dropout: p must be in [0, 1) but is ${p}`);
    this.p = p;
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    return dropout(x, { p: this.p, ...drawKey('Dropout') });
  }
}
