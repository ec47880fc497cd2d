/**
 * ONNX models for a check of what Ascend chips run: from a file, from a checkpoint (inference, weights as constants), or from a config
 * (the whole training step, weights as inputs). Nothing is trained and no data is read.
 */

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { cannDialect, type Target } from '@omma/ascend';
import { transformsOf } from '@omma/classification';
import '@omma/classification';
import {
  applyMixedPrecision,
  type DType,
  device,
  eliminateDeadCode,
  foldConstants,
  type Graph,
  type HostTensor,
  OmmaError,
  type TensorType,
} from '@omma/core';
import { buildTransforms, sizeAfter } from '@omma/cv';
import {
  buildTrainState,
  type Config,
  compileEvaluationStep,
  compileTrainStep,
  models,
  modelVariables,
  type TrainableModel,
} from '@omma/engine';
import { buildStep, exportOnnx, type Origin } from '@omma/onnx';
import { codeOf } from '@omma/storage';

/** A model to check. */
export interface AscendModel {
  /** What it is, for the report: `training step`, `inference`. */
  readonly kind: string;
  readonly bytes: Uint8Array;
  /** Where its nodes come from; empty for files of others. */
  readonly origins: ReadonlyMap<string, Origin>;
}

/** The 16-bit type that training uses on a chip; null where it multiplies float32. */
export function trainingPrecision({ soc }: Target): 'float16' | null {
  return soc.family.cubeFloat32 ? null : 'float16';
}

/** An ONNX file as it is. */
export async function modelFromFile(path: string): Promise<AscendModel> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new OmmaError(`${path}: cannot be read (${codeOf(error) ?? String(error)})`);
  });
  return { kind: 'ONNX file', bytes, origins: new Map() };
}

/** True for a path that is read as an ONNX file. */
export function isOnnxFile(path: string): boolean {
  return extname(path).toLowerCase() === '.onnx';
}

/** The training step of a config: forward, loss, backward, optimiser, statistics, as the device `ascend` compiles it. */
export function trainingModel(config: Config, target: Target): AscendModel {
  const { optimWrapper } = config;
  if (optimWrapper === undefined)
    throw new OmmaError('ascend check: the config has no optimWrapper; add one');
  const amp = trainingPrecision(target);
  const state = buildTrainState(namedModel(config), optimWrapper, {
    seed: 0,
    amp,
    capabilities: { float16Saturates: target.soc.family.overflow === 'saturation' },
    schedulers: config.paramScheduler,
  });
  const step = compileTrainStep(state, {
    device: device('reference'),
    amp: null,
    clipGrad: optimWrapper.clipGrad ?? null,
  });
  const batch = config.trainDataloader?.batchSize ?? 1;
  const settings = state.hyperparameters.types();
  const graph = step.graph({ ...imageInput(config, batch), label: int32([batch]), ...settings });
  return stepModel('training step', prepared(graph, amp), target);
}

/** The inference graph of a config, without weights: they are inputs. */
export function inferenceModel(config: Config, target: Target, batch: number): AscendModel {
  const step = compileEvaluationStep(namedModel(config), device('reference'), null);
  return stepModel(
    'inference',
    prepared(step.graph(imageInput(config, batch)), trainingPrecision(target)),
    target,
  );
}

/** The inference graph of a trained model, with its weights, as `omma export` gives it to the compiler. */
export async function exportedModel(
  model: TrainableModel,
  graph: Graph,
  target: Target,
): Promise<AscendModel> {
  const weights = new Map<string, HostTensor>();
  for (const variable of modelVariables(model)) weights.set(variable.name, await variable.download());
  const bytes = exportOnnx(graph, { weights, dialect: cannDialect(target) });
  return { kind: 'inference', bytes, origins: new Map() };
}

const int32 = (shape: readonly number[]): TensorType => ({ shape, dtype: 'int32' satisfies DType });

function namedModel(config: Config): TrainableModel {
  const model = models.build(config.model);
  model.assignNames();
  return model;
}

function prepared(graph: Graph, amp: 'float16' | null): Graph {
  const live = eliminateDeadCode(graph);
  return eliminateDeadCode(foldConstants(amp === null ? live : applyMixedPrecision(live, amp)));
}

function stepModel(kind: string, graph: Graph, target: Target): AscendModel {
  const { bytes, origin } = buildStep(graph, cannDialect(target));
  return { kind, bytes, origins: origin };
}

/** The batch of pictures that the config's training transforms make; their size, where they set none, is the usual 224. */
function imageInput(config: Config, batch: number): { image: TensorType } {
  const usual = { width: 224, height: 224 };
  const transforms = buildTransforms(transformsOf(config.trainDataloader));
  const { width, height } = sizeAfter(transforms, usual, () => 0.5);
  const { backbone } = config.model;
  const channels =
    'inChannels' in backbone && typeof backbone.inChannels === 'number' ? backbone.inChannels : 3;
  return { image: { shape: [batch, height, width, channels], dtype: 'uint8' } };
}
