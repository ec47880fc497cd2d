/**
 * Any file of weights (a checkpoint of a run, safetensors, PyTorch's) seen the same way: its tensors by name, their numbers still on disk,
 * and what it says beside them.
 */

import type { ByteSource } from '@omma/storage';
import { located, verifiedManifest } from './checkpoint.ts';
import { type Manifest, manifestKey, parseManifest } from './manifest.ts';
import { modelNames } from './modelWeights.ts';
import { emaPrefix, optimizerPrefix, runPrefix } from './names.ts';
import {
  describeValue,
  isPyTorchFile,
  isZipFile,
  type PickleValue,
  readPyTorch,
  stateDictOf,
  tensorsOf,
} from './pytorch/index.ts';
import { checksumKey, readSafetensorsFrom, verifySafetensors } from './safetensorsFile.ts';
import type { ProgressListener, StoredTensors } from './storedTensor.ts';
import type { WeightChoice } from './weightChoice.ts';
import { type WeightSourceOptions, weightRanges, weightSource } from './weightSource.ts';

/** What a tensor is there for: `weights`, `ema`, `optimizer`, `run`, or the part of a PyTorch file that it lies in. */
export type PartOf = (name: string) => string;

export interface WeightFile {
  readonly path: string;
  readonly format: 'Omma checkpoint' | 'safetensors' | 'PyTorch';
  /** In bytes. */
  readonly size: number;
  /** Every tensor of the file under its full name. */
  readonly tensors: StoredTensors;
  readonly partOf: PartOf;
  /** Of a checkpoint of a run, or a file converted from one. */
  readonly manifest: Manifest | null;
  /** True where the file has a CRC-32 of each tensor, which is checked as it is read. */
  readonly crc32: boolean;
  /** What else the file says, as plain data. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The tensors that make a model, under its names. */
  weights(choice: WeightChoice): StoredTensors;
  /** Reads the whole file to hold it against its checksum; false where it has none. */
  verify(onProgress?: ProgressListener): Promise<boolean>;
  close(): Promise<void>;
}

export interface OpenWeightFileOptions extends WeightSourceOptions {
  /** Leaves the file of a server where it is, and asks for the parts that are read: for whoever wants names and shapes alone. */
  readonly ranges?: boolean;
}

/** Opens a file: a path or an address. The caller closes it. OmmaError where it is no file of weights. */
export async function openWeightFile(path: string, options: OpenWeightFileOptions = {}): Promise<WeightFile> {
  const source = await (options.ranges === true ? weightRanges(path) : weightSource(path, options));
  try {
    return await located(path, async () =>
      (await isPyTorchFile(source)) ? openPyTorch(path, source) : openSafetensors(path, source),
    );
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openSafetensors(path: string, source: ByteSource): Promise<WeightFile> {
  const file = await readSafetensorsFrom(source);
  const text = file.metadata[manifestKey];
  const parsed = text === undefined ? null : parseManifest(text);
  const own = [manifestKey, checksumKey];
  return {
    path,
    format: parsed === null ? 'safetensors' : 'Omma checkpoint',
    size: source.size,
    tensors: file.tensors,
    partOf: partOfName,
    manifest: parsed?.manifest ?? null,
    crc32: false,
    metadata: Object.fromEntries(Object.entries(file.metadata).filter(([key]) => !own.includes(key))),
    weights(choice) {
      const names = modelNames([...file.tensors.keys()], choice);
      return new Map(
        [...file.tensors].flatMap(([name, tensor]) => {
          const inModel = names.get(name);
          return inModel === undefined ? [] : [[inModel, tensor]];
        }),
      );
    },
    async verify(onProgress) {
      return located(path, async () => {
        if (text !== undefined) await verifiedManifest(file, text);
        return (await verifySafetensors(file, undefined, onProgress)) || parsed !== null;
      });
    },
    close: () => source.close(),
  };
}

async function openPyTorch(path: string, source: ByteSource): Promise<WeightFile> {
  const value = await readPyTorch(source);
  const tensors = tensorsOf(value);
  const meta = metadataOf(value);
  const text = meta[manifestKey];
  return {
    path,
    format: 'PyTorch',
    size: source.size,
    tensors,
    partOf: partOfTree(value),
    crc32: await isZipFile(source),
    manifest: typeof text === 'string' ? parseManifest(text).manifest : null,
    metadata: Object.fromEntries(Object.entries(meta).filter(([key]) => key !== manifestKey)),
    weights: (choice) => stateDictOf(value, choice),
    verify: async () => false,
    close: () => source.close(),
  };
}

const partOfName: PartOf = (name) => {
  if (name.startsWith(optimizerPrefix)) return 'optimizer';
  if (name.startsWith(runPrefix)) return 'run';
  return name.startsWith(emaPrefix) ? 'ema' : 'weights';
};

/** The first key of a name, where the file is a dict of dicts; a plain state dict is all weights. */
function partOfTree(value: PickleValue): PartOf {
  const parts = new Set(
    value instanceof Map
      ? [...value].filter(([, inner]) => inner instanceof Map).map(([key]) => String(key))
      : [],
  );
  return (name) => {
    const first = name.slice(0, Math.max(0, name.indexOf('.')));
    return parts.has(first) ? first : 'weights';
  };
}

/** OpenMMLab's `meta`, and what else stands beside the tensors at the top. */
function metadataOf(value: PickleValue): Record<string, unknown> {
  if (!(value instanceof Map)) return {};
  const meta = value.get('meta');
  const plain = [...value].filter(
    ([, item]) => item === null || ['string', 'number', 'boolean'].includes(typeof item),
  );
  const entries = [...(meta instanceof Map ? meta : []), ...plain];
  return Object.fromEntries(entries.map(([key, item]) => [String(key), describeValue(item)]));
}
