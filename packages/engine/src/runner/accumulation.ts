/**
 * Gradient accumulation: gradients of several batches are summed in state on the device, and the optimiser takes one step on their mean. So a
 * batch that does not fit into memory can be worked off in parts; up to the rounding of float32 (and batch norm, which sees the parts) the
 * result is that of the whole batch. The sums are part of a checkpoint: a run may be interrupted between two parts.
 */

import { add, div, mul, pin, type Shape, type Tensor, Variable, zeros } from '@omma/core';
import type { Parameter } from '@omma/nn';

export interface Accumulated {
  readonly gradients: readonly Tensor[];
  /** Not finite when one of the losses was not. */
  readonly loss: Tensor;
}

export class Accumulation {
  readonly #sums: readonly Variable[];
  readonly #loss = float32('loss', []);
  readonly #count = float32('count', []);

  constructor(trainable: readonly (readonly [string, Parameter])[]) {
    this.#sums = trainable.map(([name, { shape }]) => float32(name, shape));
  }

  variables(): Variable[] {
    return [...this.#sums, this.#loss, this.#count];
  }

  /** Keeps the gradients of a batch, in the order of the trainable parameters. Inside `trace`. */
  add(gradients: readonly Tensor[], loss: Tensor): void {
    const { gradients: sums, loss: losses, count } = this.#with(gradients, loss);
    this.#sums.forEach((sum, i) => {
      const value = sums[i];
      if (value !== undefined) sum.write(value);
    });
    this.#loss.write(losses);
    this.#count.write(count);
  }

  /** The mean over what was kept and the gradients of one more batch; nothing is kept afterwards. Inside `trace`. */
  take(gradients: readonly Tensor[], loss: Tensor): Accumulated {
    const { gradients: sums, loss: losses, count } = this.#with(gradients, loss);
    const share = div(1, count);
    for (const kept of this.variables()) kept.write(zeros(kept.shape));
    return { gradients: sums.map((sum) => mul(sum, share)), loss: mul(losses, share) };
  }

  #with(gradients: readonly Tensor[], loss: Tensor): Accumulated & { readonly count: Tensor } {
    return {
      gradients: this.#sums.map((sum, i) => {
        const gradient = gradients[i];
        if (gradient === undefined) throw new Error(`accumulation: no gradient for ${sum.name}`);
        return add(sum.read(), pin(gradient, 'float32'));
      }),
      loss: add(this.#loss.read(), pin(loss, 'float32')),
      count: add(this.#count.read(), 1),
    };
  }
}

function float32(name: string, shape: Shape): Variable {
  return new Variable(`run.accumulation.${name}`, { shape, dtype: 'float32' });
}
