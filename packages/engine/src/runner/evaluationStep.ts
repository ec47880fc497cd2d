/** The evaluation step: predictions of a batch, in evaluation mode, as one compiled graph. */

import { type CompiledFunction, compile, type Device, type MixedPrecision } from '@omma/core';
import type { TrainableModel, TtaModel } from './model.ts';

/** Compiles `model.predict`, or with `tta` what that makes of it. The model is back in training mode afterwards if it was before. */
export function compileEvaluationStep(
  model: TrainableModel,
  device: Device,
  amp: MixedPrecision | null,
  tta: TtaModel | null = null,
): CompiledFunction {
  return compile(
    (inputs) => {
      const { training } = model;
      model.eval();
      try {
        return tta === null ? model.predict(inputs) : tta.predict(model, inputs);
      } finally {
        model.train(training);
      }
    },
    { device, name: 'evaluation step', ...(amp === null ? {} : { amp }) },
  );
}
