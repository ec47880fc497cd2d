/** A checkpoint's model as ONNX with its weights: what every way of exporting starts from. */

import type { HostTensor } from '@omma/core';
import { modelVariables } from '@omma/engine';
import { type Dialect, exportOnnx } from '@omma/onnx';
import type { CheckpointModel } from './checkpointModel.ts';

/**
 * The inference graph with its weights, for an opset or a dialect. Without a batch size it is traced at two, so that the exporter sees what
 * follows the batch.
 */
export async function modelBytes(
  model: CheckpointModel,
  target: number | Dialect,
  batchSize: number | undefined,
): Promise<Uint8Array> {
  const graphAt = (batch: number) =>
    model.step.graph({ image: { shape: [batch, ...model.image.shape], dtype: model.image.dtype } });
  const variables = modelVariables(model.runner.model);
  const weights = new Map<string, HostTensor>();
  for (const variable of variables) weights.set(variable.name, await variable.download());
  return exportOnnx(graphAt(batchSize ?? 2), {
    weights,
    ...(typeof target === 'number' ? { opset: target } : { dialect: target }),
    ...(batchSize === undefined ? { dynamicBatch: graphAt(3) } : {}),
    metadata: { classes: JSON.stringify(model.classes) },
  });
}
