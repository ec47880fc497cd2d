/**
 * A trained model from nothing but its checkpoint: the manifest in the file holds the config, the class names and the input types.
 *
 * What `omma predict`, `omma export` and the Inferencer start from.
 */

import { type CompiledFunction, type DType, dtypes, OmmaError, type TensorType } from '@omma/core';
import { buildTransforms, type TransformOptions } from '@omma/cv';
import {
  type AmpSetting,
  compileEvaluationStep,
  configOf,
  loadCheckpoint,
  mixedPrecisionFor,
  Runner,
  type WeightSourceOptions,
} from '@omma/engine';
import { transformsOf } from '../datasets/transformsOf.ts';
import type { PictureModel } from './pictureModel.ts';

export interface OpenOptions extends WeightSourceOptions {
  /** 'auto' unless given: the best of the devices that are imported. */
  readonly device?: string;
  /** Mixed precision; 'off' unless given. */
  readonly amp?: AmpSetting;
}

export interface CheckpointModel extends PictureModel {
  /** Holds the model and its device; dispose it at the end. */
  readonly runner: Runner;
  readonly transforms: readonly TransformOptions[];
  /** Predictions of a batch. */
  readonly step: CompiledFunction;
}

/** Opens a checkpoint, at a path or an address, for inference. OmmaError when it is missing, damaged, or of a model that takes no pictures. */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<CheckpointModel> {
  const { device, amp = 'off', ...source } = options;
  const checkpoint = await loadCheckpoint(path, source);
  const { loadFrom: _, ...config } = configOf(checkpoint);
  const image = imageType(path, checkpoint.manifest.inputs.image);
  const runner = await Runner.create({ ...config, device: device ?? 'auto' });
  try {
    await runner.loadWeights(checkpoint);
    const precision = mixedPrecisionFor(runner.device, amp);
    const loader = config.testDataloader ?? config.valDataloader ?? config.trainDataloader;
    const transforms = transformsOf(loader);
    return {
      runner,
      classes: checkpoint.manifest.classes,
      image,
      transforms,
      transform: buildTransforms(transforms),
      step: compileEvaluationStep(runner.model, runner.device, precision),
    };
  } catch (error) {
    await runner.dispose();
    throw error;
  }
}

function imageType(path: string, type: { shape: number[]; dtype: string } | undefined): TensorType {
  const dtype = dtypes.find((known): known is DType => known === type?.dtype);
  if (type === undefined || dtype === undefined || type.shape.length !== 3) {
    throw new OmmaError(`${path}: the checkpoint is not of a model that takes pictures`);
  }
  return { shape: type.shape, dtype };
}
