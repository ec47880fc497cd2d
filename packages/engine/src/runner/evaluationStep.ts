/** The evaluation step: predictions of a batch, in evaluation mode, as one compiled graph; its losses too where they are asked for. */

import {
  type CompiledFunction,
  compile,
  type Device,
  type MixedPrecision,
  type TensorRecord,
} from '@omma/core';
import type { TrainableModel, TtaModel } from './model.ts';

export interface EvaluationStepOptions {
  /** Predicts in place of the model. */
  readonly tta?: TtaModel | null;
  /** The model's losses beside its predictions, as outputs of which `isLossOutput` is true. They share the forward pass. */
  readonly losses?: boolean;
}

/** What an output's name begins with that is a loss and no prediction. */
const lossPrefix = 'loss/';

export function isLossOutput(output: string): boolean {
  return output.startsWith(lossPrefix);
}

/** `loss`, or the name of a part. */
export function lossName(output: string): string {
  return output.slice(lossPrefix.length);
}

/** Compiles `model.predict`, or with `tta` what that makes of it. The model is back in training mode afterwards if it was before. */
export function compileEvaluationStep(
  model: TrainableModel,
  device: Device,
  amp: MixedPrecision | null,
  { tta = null, losses = false }: EvaluationStepOptions = {},
): CompiledFunction {
  return compile(
    (inputs) => {
      const { training } = model;
      model.eval();
      try {
        const predictions = tta === null ? model.predict(inputs) : tta.predict(model, inputs);
        return losses ? { ...predictions, ...lossOutputs(model, inputs) } : predictions;
      } finally {
        model.train(training);
      }
    },
    { device, name: 'evaluation step', ...(amp === null ? {} : { amp }) },
  );
}

function lossOutputs(model: TrainableModel, inputs: TensorRecord): TensorRecord {
  const { loss, scalars = {} } = model.loss(inputs);
  return Object.fromEntries(
    Object.entries({ ...scalars, loss }).map(([name, value]) => [`${lossPrefix}${name}`, value]),
  );
}
