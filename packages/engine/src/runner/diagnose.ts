/**
 * Why a loss is not finite: the forward pass once more, with a check on every value, and the first module whose output is not
 * finite. The step that failed left the parameters as they were, so this sees what it saw.
 */

import {
  cast,
  compile,
  currentBuilder,
  type Device,
  type HostTensor,
  isFloat,
  type MixedPrecision,
  min,
  OmmaError,
  type Tensor,
  traced,
} from '@omma/core';
import { withRandomKey } from '@omma/nn';
import type { StepInput } from '../loops/trainLoop.ts';
import type { TrainState } from './trainState.ts';

/** Where the first non-finite number appears: `backbone.layer1.0.conv1 (conv2d)`. Null when all are finite this time. */
export async function firstNonFinite(
  state: TrainState,
  inputs: Readonly<Record<string, HostTensor>>,
  device: Device,
  amp: MixedPrecision | null,
): Promise<string | null> {
  for (const [name, parameter] of state.model.namedParameters()) {
    const { data } = await parameter.download();
    if (!data.every(Number.isFinite)) return `${name} (the parameter itself)`;
  }
  const places: string[] = [];
  const probe = compile(
    (batch) => {
      state.model.train();
      withRandomKey(state.random.read(), () => state.model.loss(batch));
      const checks: Record<string, Tensor> = {};
      const builder = currentBuilder();
      if (builder === null) return checks;
      for (const { op, scope, outputs } of [...builder.nodes]) {
        const [id] = outputs;
        if (id === undefined) continue;
        const value = traced(builder, id);
        if (!isFloat(value.dtype)) continue;
        checks[String(places.length)] = min(cast(value.isFinite(), 'float32'));
        places.push(`${scope === '' ? 'the loss' : scope} (${op})`);
      }
      // Statistics must not move: this pass only looks.
      builder.state.splice(
        0,
        builder.state.length,
        ...builder.state.map((slot) => ({ ...slot, write: null })),
      );
      return checks;
    },
    { device, name: 'finite check', ...(amp === null ? {} : { amp }) },
  );
  try {
    const results = await probe(inputs);
    return places.find((_, i) => results[String(i)]?.data[0] === 0) ?? null;
  } finally {
    probe.dispose();
  }
}

/** Ends a run whose loss at a step was `loss`, with where it came from. */
export async function lossNotFinite(
  state: TrainState,
  { device, amp }: { readonly device: Device; readonly amp: MixedPrecision | null },
  { batch, iteration, epoch, lr }: StepInput,
  loss: number,
): Promise<never> {
  const place = await firstNonFinite(state, { ...batch.inputs }, device, amp);
  const where =
    place === null ? 'every value of the forward pass is finite when it is repeated' : `first at ${place}`;
  throw new OmmaError(
    `the loss is ${loss} at iteration ${iteration} (epoch ${epoch + 1}, learning rate ${lr}); ${where}; lower the learning rate, or set optimWrapper.clipGrad`,
  );
}
