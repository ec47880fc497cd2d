/**
 * Loss scaling for float16, whose small gradients would vanish: the loss is multiplied before differentiation, the gradients are
 * divided after it, and a step in which one of them overflowed is skipped (Micikevicius et al., Mixed precision training, 2018).
 *
 * Scale and counter are variables, so the whole procedure is part of the step's graph and of a checkpoint. bfloat16 has
 * float32's range and needs none of this.
 */

import { gradients } from './grad.ts';
import {
  abs,
  add,
  div,
  equal,
  full,
  greaterEqual,
  less,
  logicalAnd,
  max,
  maximum,
  minimum,
  mul,
  pin,
  sum,
  where,
} from './ops/index.ts';
import type { Tensor } from './tensor.ts';
import { currentBuilder, traced } from './trace.ts';
import { Variable } from './variable.ts';

export interface LossScaleOptions {
  /** Where it starts: 2^16 unless given. */
  readonly initial?: number;
  /** What it is multiplied by after `interval` finite steps in a row: 2 after 2000 unless given. */
  readonly growth?: number;
  readonly interval?: number;
  /** What it is multiplied by after an overflow: 1/2 unless given. */
  readonly backoff?: number;
  /** Scaled gradients of this size or above count as overflow: 65504 on a device whose float16 saturates. Infinity unless given. */
  readonly limit?: number;
}

/** The largest scale: beyond it, the division of small gradients would lose float32's own smallest numbers. */
const largest = 2 ** 24;

/** The largest finite float16: what an overflow leaves on a device that saturates. */
export const largestFloat16 = 65504;

/**
 * What a gradient at the limit is replaced by. Far above the limit, so that it still is after averages over ranks and accumulated batches; finite,
 * because a device that saturates may not keep infinities.
 */
const overflowed = 2 ** 100;

/** A loss scale that adapts: it grows while all goes well and shrinks at an overflow, between 1 and 2^24. */
export class LossScale {
  readonly scale: Variable;
  readonly goodSteps: Variable;
  readonly #options: Required<LossScaleOptions>;

  /** `name` is the prefix of the two variables' names. */
  constructor(name = 'lossScale', options: LossScaleOptions = {}) {
    this.#options = {
      initial: 2 ** 16,
      growth: 2,
      backoff: 0.5,
      interval: 2000,
      limit: Number.POSITIVE_INFINITY,
      ...options,
    };
    this.scale = new Variable(
      `${name}.scale`,
      { shape: [], dtype: 'float32' },
      Float32Array.of(this.#options.initial),
    );
    this.goodSteps = new Variable(`${name}.goodSteps`, { shape: [], dtype: 'int32' });
  }

  /** Null where overflow shows by itself, as an infinity. */
  get limit(): number | null {
    return Number.isFinite(this.#options.limit) ? this.#options.limit : null;
  }

  /** Adapts scale and counter to whether this step was `finite` (a bool scalar). Inside `trace`. */
  update(finite: Tensor): void {
    const { growth, backoff, interval } = this.#options;
    const scale = this.scale.read();
    const good = add(this.goodSteps.read(), 1);
    const due = greaterEqual(good, interval);
    const grown = minimum(mul(scale, growth), largest);
    const shrunk = maximum(mul(scale, backoff), 1);
    this.scale.write(where(finite, where(due, grown, scale), shrunk));
    this.goodSteps.write(where(finite, where(due, 0, good), 0));
  }
}

/**
 * Gradients of a float scalar `loss` computed at `lossScale` and brought back, and whether all of them are finite (a bool scalar).
 * Adapts the scale. Put the optimiser's step into `writesOnlyIf(finite, ...)`. Inside `trace`.
 */
export function scaledGradients(
  loss: Tensor,
  wrt: readonly Tensor[],
  lossScale: LossScale,
): { gradients: Tensor[]; finite: Tensor } {
  const scaled = gradients(scaledLoss(loss, lossScale), wrt);
  return unscaledGradients(markedOverflow(scaled, lossScale), lossScale);
}

/** What to differentiate: a float scalar `loss` times the scale. The first half of `scaledGradients`. Inside `trace`. */
export function scaledLoss(loss: Tensor, lossScale: LossScale): Tensor {
  return mul(pin(loss, 'float32'), lossScale.scale.read());
}

/**
 * Gradients of `scaledLoss` in which an overflow can be told after they have been averaged: those at the limit of a device that saturates become huge.
 * On other devices they are infinite already. Inside `trace`.
 */
export function markedOverflow(scaled: readonly Tensor[], { limit }: LossScale): readonly Tensor[] {
  if (limit === null) return scaled;
  return scaled.map((gradient) => {
    const wide = pin(gradient, 'float32');
    return where(greaterEqual(abs(wide), limit), overflowed, wide);
  });
}

/**
 * Gradients of `scaledLoss` brought back, and whether all of them are finite. Adapts the scale. The second half of `scaledGradients`: data
 * parallel training sums the gradients of all ranks in between, so that all skip the same steps. Inside `trace`.
 */
export function unscaledGradients(
  scaled: readonly Tensor[],
  lossScale: LossScale,
): { gradients: Tensor[]; finite: Tensor } {
  const inverse = div(1, lossScale.scale.read());
  const unscaled = scaled.map((gradient) => mul(pin(gradient, 'float32'), inverse));
  const { limit } = lossScale;
  const finite =
    limit === null ? allFinite(unscaled) : logicalAnd(allFinite(unscaled), allBelow(scaled, limit));
  lossScale.update(finite);
  return { gradients: unscaled, finite };
}

/** True when every element of every tensor is finite: x * 0 is 0 for these and not a number for all others. */
export function allFinite(tensors: readonly Tensor[]): Tensor {
  const zero = full([], 0);
  return equal(
    tensors.reduce((total, tensor) => add(total, sum(mul(pin(tensor, 'float32'), 0))), zero),
    0,
  );
}

/** True when the magnitude of every element of every tensor is below `limit`. */
function allBelow(tensors: readonly Tensor[], limit: number): Tensor {
  const zero = full([], 0);
  return less(
    tensors.reduce((most, tensor) => maximum(most, max(abs(pin(tensor, 'float32')))), zero),
    limit,
  );
}

/**
 * Runs `body` and keeps each variable that it writes as it was before unless `condition` (a bool scalar) is true: a step that
 * overflowed leaves no trace. Inside `trace`.
 */
export function writesOnlyIf(condition: Tensor, body: () => void): void {
  const builder = currentBuilder();
  const before = new Map(builder?.written);
  body();
  if (builder === null) return;
  for (const [name, id] of [...builder.written]) {
    if (before.get(name) === id) continue;
    const variable = builder.variables.get(name);
    if (variable === undefined) continue;
    const old = before.get(name) ?? builder.readState(name, variable);
    variable.write(where(condition, traced(builder, id), traced(builder, old)));
  }
}
