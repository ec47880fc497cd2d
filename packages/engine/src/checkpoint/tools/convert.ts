/** A model's weights written anew: in another format, under other names, in another dtype; or published without the state of the run. */

import { extname, resolve } from 'node:path';
import { OmmaError } from '@omma/core';
import { convertFloats, type FloatDType, fileTensorBytes, isFloatDType } from '@omma/nn';
import { located } from '../checkpoint.ts';
import { type Manifest, manifestKey } from '../manifest.ts';
import { type PickleWritable, writePyTorchFile } from '../pytorch/index.ts';
import { type WriteOptions, writeSafetensorsFile } from '../safetensorsFile.ts';
import type { StoredTensor, StoredTensors } from '../storedTensor.ts';
import type { WeightChoice } from '../weightChoice.ts';
import { openWeightFile, type WeightFile } from '../weightFile.ts';
import type { WeightSourceOptions } from '../weightSource.ts';
import { type Rewrite, rewriteNames, stripPrefix } from './rename.ts';
import { tensorStatistics } from './statistics.ts';

/** Dtypes to convert to, by Omma's names. */
export const floatDTypes: Readonly<Record<string, FloatDType>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
};

export interface ConvertOptions extends WriteOptions, WeightSourceOptions {
  readonly choice?: WeightChoice;
  /** For the tensors of floats; integers stay. */
  readonly dtype?: FloatDType;
  readonly prefix?: string;
  readonly rewrites?: readonly Rewrite[];
  /** Takes from the manifest what is nobody else's business: paths, the best checkpoint's place. */
  readonly publish?: boolean;
}

export interface Converted {
  readonly path: string;
  readonly tensors: number;
  readonly bytes: number;
  /** Tensors some of whose finite numbers became infinite in the new dtype. */
  readonly overflowed: readonly string[];
}

/**
 * Writes the weights of `input` to `output`, whose extension (.safetensors, .pth or .pt) says the format. The manifest of a run goes along, so
 * that `omma predict` and `omma export` take the file; optimiser and run state do not. PyTorch's `num_batches_tracked` is kept.
 */
export async function convertWeights(
  input: string,
  output: string,
  options: ConvertOptions = {},
): Promise<Converted> {
  const pytorch = isPyTorchName(output);
  if (options.nameBy === undefined && resolve(input) === resolve(output))
    throw new OmmaError(
      `${output}: is the input itself, whose optimiser and state of the run would be lost; name another file`,
    );
  const file = await openWeightFile(input, options);
  try {
    await file.verify();
    return await located(input, async () => {
      const overflowed: string[] = [];
      const tensors = new Map(
        [...chosen(file, options)].map(([name, tensor]) => [
          name,
          converted(tensor, options.dtype, () => overflowed.push(name)),
        ]),
      );
      if (tensors.size === 0) throw new OmmaError('it holds no weights');
      const manifest =
        options.publish === true && file.manifest !== null ? published(file.manifest) : file.manifest;
      const path = pytorch
        ? await writePyTorchFile(output, { meta: metaOf(file, manifest), state_dict: tensors }, options)
        : await writeSafetensorsFile(output, tensors, metadataOf(file, manifest), options);
      const bytes = [...tensors.values()].reduce((sum, tensor) => sum + fileTensorBytes(tensor), 0);
      return { path, tensors: tensors.size, bytes, overflowed };
    });
  } finally {
    await file.close();
  }
}

function isPyTorchName(path: string): boolean {
  const extension = extname(path);
  if (['.pth', '.pt'].includes(extension)) return true;
  if (extension === '.safetensors') return false;
  throw new OmmaError(`${path}: the extension says the format; expected is .safetensors, .pth or .pt`);
}

function chosen(file: WeightFile, { choice = 'auto', prefix, rewrites = [] }: ConvertOptions): StoredTensors {
  const weights = file.weights(choice);
  return rewriteNames(prefix === undefined ? weights : stripPrefix(weights, prefix), rewrites);
}

function converted(tensor: StoredTensor, dtype: FloatDType | undefined, overflow: () => void): StoredTensor {
  if (dtype === undefined || !isFloatDType(tensor.dtype)) return tensor;
  return {
    dtype,
    shape: tensor.shape,
    async read() {
      const before = await tensor.read();
      const after = convertFloats(tensor.dtype, before, dtype);
      const nonFinite = (type: StoredTensor['dtype'], bytes: Uint8Array) =>
        tensorStatistics({ dtype: type, shape: tensor.shape }, bytes).nonFinite;
      if (nonFinite(dtype, after) > nonFinite(tensor.dtype, before)) overflow();
      return after;
    },
  };
}

function published({ config, hooks: _, ...rest }: Manifest): Manifest {
  const plain = typeof config === 'object' && config !== null ? { ...config } : {};
  const own = ['workDir', 'loadFrom', 'resume'];
  return {
    ...rest,
    hooks: {},
    config: Object.fromEntries(Object.entries(plain).filter(([key]) => !own.includes(key))),
  };
}

function metadataOf(file: WeightFile, manifest: Manifest | null): Record<string, string> {
  const texts = Object.entries(file.metadata).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return {
    // What the format's other libraries look for.
    format: 'pt',
    ...Object.fromEntries(texts),
    ...(manifest === null ? {} : { [manifestKey]: JSON.stringify(manifest) }),
  };
}

/** OpenMMLab's `meta`. Omma's own has no floats, which the unpickler of PyTorch 1.13's `weights_only` does not read. */
function metaOf(file: WeightFile, manifest: Manifest | null): { [key: string]: PickleWritable } {
  const own: { [key: string]: PickleWritable } =
    manifest === null
      ? {}
      : {
          epoch: manifest.epoch,
          iter: manifest.iteration,
          seed: manifest.seed,
          CLASSES: manifest.classes,
          dataset_meta: { classes: manifest.classes },
          cfg: JSON.stringify(manifest.config, null, 2),
          [manifestKey]: JSON.stringify(manifest),
        };
  return {
    ...Object.fromEntries(Object.entries(file.metadata).map(([key, value]) => [key, plain(value)])),
    ...own,
  };
}

function plain(value: unknown): PickleWritable {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
