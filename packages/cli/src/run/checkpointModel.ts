/**
 * A trained model from nothing but its checkpoint: the manifest in the file holds the config, the class names and the input types.
 *
 * What `predict` and `export` start from.
 */

import '@omma/classification';
import { type CompiledFunction, type DType, dtypes, OmmaError, type TensorType } from '@omma/core';
import { buildTransforms, type TransformChain, type TransformOptions } from '@omma/cv';
import { compileEvaluationStep, configOf, loadCheckpoint, mixedPrecisionFor, Runner } from '@omma/engine';
import type { AmpName } from './config.ts';
import './devices.ts';
import { withWeightProgress } from '../terminal/byteProgress.ts';
import { transformsOf } from './datasets.ts';

export interface CheckpointModel {
  readonly runner: Runner;
  readonly classes: readonly string[];
  /** Type of one picture: uint8 [height, width, channels]. */
  readonly image: TensorType;
  /** How evaluation prepares a picture: as the config says it, and ready to use. */
  readonly transforms: readonly TransformOptions[];
  readonly transform: TransformChain;
  /** Predictions of a batch. */
  readonly step: CompiledFunction;
}

/** Opens a checkpoint, at a path or an address, for inference on `device`. */
export async function openCheckpoint(
  path: string,
  options: { readonly device?: string; readonly amp?: AmpName },
): Promise<CheckpointModel> {
  const checkpoint = await withWeightProgress('reading', (listeners) => loadCheckpoint(path, listeners));
  const { loadFrom: _, ...config } = configOf(checkpoint);
  const runner = await Runner.create({ ...config, device: options.device ?? 'auto' });
  await runner.loadWeights(checkpoint);
  const amp = mixedPrecisionFor(runner.device, options.amp ?? 'off');
  const loader = config.testDataloader ?? config.valDataloader ?? config.trainDataloader;
  const transforms = transformsOf(loader);
  return {
    runner,
    classes: checkpoint.manifest.classes,
    image: imageType(path, checkpoint.manifest.inputs.image),
    transforms,
    transform: buildTransforms(transforms),
    step: compileEvaluationStep(runner.model, runner.device, amp),
  };
}

function imageType(path: string, type: { shape: number[]; dtype: string } | undefined): TensorType {
  const dtype = dtypes.find((known): known is DType => known === type?.dtype);
  if (type === undefined || dtype === undefined || type.shape.length !== 3) {
    throw new OmmaError(`${path}: the checkpoint is not of a model that takes pictures`);
  }
  return { shape: type.shape, dtype };
}
