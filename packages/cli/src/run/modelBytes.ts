/** A checkpoint's model as ONNX with its weights: what every way of exporting starts from. */

import type { Size } from '@omma/classification';
import type { HostTensor, TensorType } from '@omma/core';
import { modelVariables } from '@omma/engine';
import { type Dialect, exportOnnx } from '@omma/onnx';
import type { CheckpointModel } from './checkpointModel.ts';

/** What an exported model takes. */
export interface ModelForm {
  /** Pictures in a batch; null for any number of them. */
  readonly batch: number | null;
  /** Of the pictures. */
  readonly size: Size;
  /** True for pictures of any size; what follows `size` is then found from a second trace. */
  readonly dynamicSize: boolean;
  /** `bytes`: uint8 [N, H, W, C], normalised inside of the model. `normalized`: float32 [N, C, H, W] that somebody else has normalised. */
  readonly input: 'bytes' | 'normalized';
}

/** The type of a batch of pictures as the model takes it. */
export function pictureType(
  { image }: Pick<CheckpointModel, 'image'>,
  input: ModelForm['input'],
  batch: number,
  [height, width]: Size,
): TensorType {
  const channels = image.shape[2] ?? 1;
  return input === 'bytes'
    ? { shape: [batch, height, width, channels], dtype: image.dtype }
    : { shape: [batch, channels, height, width], dtype: 'float32' };
}

/** Any other size; far enough that every layer's output differs in it. */
const otherSize = ([height, width]: Size): Size => [height + 32, width + 32];

/** The inference graph with its weights, for an opset or a dialect. With any batch it is traced at two, so that the exporter sees what follows the batch. */
export async function modelBytes(
  model: CheckpointModel,
  target: number | Dialect,
  { batch, size, dynamicSize, input }: ModelForm,
): Promise<Uint8Array> {
  const graphAt = (count: number, of: Size) =>
    model.step.graph({ image: pictureType(model, input, count, of) });
  const variables = modelVariables(model.runner.model);
  const weights = new Map<string, HostTensor>();
  for (const variable of variables) weights.set(variable.name, await variable.download());
  const traced = batch ?? 2;
  return exportOnnx(graphAt(traced, size), {
    weights,
    ...(typeof target === 'number' ? { opset: target } : { dialect: target }),
    ...(batch === null ? { dynamicBatch: graphAt(traced + 1, size) } : {}),
    ...(dynamicSize ? { dynamicSize: graphAt(traced, otherSize(size)) } : {}),
    metadata: { classes: JSON.stringify(model.classes) },
  });
}
