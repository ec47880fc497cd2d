/** The evaluation step: predictions of a batch, in evaluation mode, as one compiled graph. */

import { type CompiledFunction, compile, type Device, type MixedPrecision } from '@omma/core';
import type { TrainableModel } from './model.ts';

/** Compiles `model.predict`. The model is back in training mode afterwards if it was before. */
export function compileEvaluationStep(
  model: TrainableModel,
  device: Device,
  amp: MixedPrecision | null,
): CompiledFunction {
  return compile(
    (inputs) => {
      const { training } = model;
      model.eval();
      try {
        return model.predict(inputs);
      } finally {
        model.train(training);
      }
    },
    { device, name: 'evaluation step', ...(amp === null ? {} : { amp }) },
  );
}
