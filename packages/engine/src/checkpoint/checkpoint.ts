/**
 * A checkpoint: one safetensors file with every variable of the run, and in its metadata a JSON manifest that says the rest.
 *
 * One file, so that it is there or not there. Reading verifies the file's checksum. Weights have their OpenMMLab names, so any safetensors
 * reader can use the file; the run's other state begins with one of the prefixes in `names.ts`.
 */

import { type HostTensor, OmmaError } from '@omma/core';
import { type FileTensorType, toHostTensor } from '@omma/nn';
import { checkPastConfig } from '../config/schema.ts';
import type { Config } from '../config/types.ts';
import { checkpointFormat, type Manifest, manifestKey, parseManifest } from './manifest.ts';
import {
  checksumKey,
  dataChecksum,
  readSafetensorsFrom,
  type SafetensorsSource,
  verifySafetensors,
  writeSafetensorsFile,
} from './safetensorsFile.ts';
import { storedTensor } from './storedTensor.ts';
import { type WeightSourceOptions, weightSource } from './weightSource.ts';

/** What the run adds to a manifest; the rest is filled in when it is written. */
export type ManifestContent = Omit<Manifest, 'format' | 'config'> & { readonly config: Config };

export interface Checkpoint {
  readonly path: string;
  readonly manifest: Manifest;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** Writes a checkpoint atomically. */
export async function saveCheckpoint(
  path: string,
  tensors: Readonly<Record<string, HostTensor>>,
  content: ManifestContent,
): Promise<void> {
  const manifest: Manifest = { ...content, format: checkpointFormat };
  const stored = Object.entries(tensors).map(([name, tensor]) => [name, storedTensor(tensor)] as const);
  await writeSafetensorsFile(path, new Map(stored), { [manifestKey]: JSON.stringify(manifest) });
}

/** Reads and verifies a checkpoint, at a path or an address. OmmaError when it is missing, damaged, or not one of Omma's. */
export async function loadCheckpoint(path: string, options: WeightSourceOptions = {}): Promise<Checkpoint> {
  const source = await weightSource(path, options);
  try {
    return await located(path, async () => {
      const file = await readSafetensorsFrom(source);
      const text = file.metadata[manifestKey];
      if (text === undefined)
        throw new OmmaError('has weights but no Omma manifest, so it is not a checkpoint of a run');
      const { manifest } = await verifiedManifest(file, text);
      return { path, manifest, tensors: await verifiedTensors(file) };
    });
  } finally {
    await source.close();
  }
}

/**
 * The manifest of a file. Where its format keeps a checksum in it, the numbers are held against it; where the file should have one, it must be
 * there, or a flipped bit in its key would switch it off.
 */
export async function verifiedManifest(
  file: SafetensorsSource,
  text: string,
): Promise<{ manifest: Manifest }> {
  const { manifest, checksum } = parseManifest(text);
  if (checksum === null && file.metadata[checksumKey] === undefined)
    throw new OmmaError(
      'the file has lost its checksum: it is damaged, or was written anew by another program',
    );
  if (checksum !== null && checksum !== (await dataChecksum(file)))
    throw new OmmaError('the numbers do not match the checksum; the file is damaged, use another checkpoint');
  return { manifest };
}

/** The tensors of a file whose names and types are `wanted`, checked on the way. */
export async function verifiedTensors(
  file: SafetensorsSource,
  wanted: (name: string, type: FileTensorType) => boolean = () => true,
): Promise<Map<string, HostTensor>> {
  const tensors = new Map<string, HostTensor>();
  await verifySafetensors(file, (name, { dtype, shape }) => {
    if (!wanted(name, { dtype, shape })) return null;
    return (bytes) => tensors.set(name, toHostTensor(name, { dtype, shape, bytes }));
  });
  return tensors;
}

/** The config that a checkpoint was trained with. */
export function configOf({ manifest, path }: Checkpoint): Config {
  return checkPastConfig(manifest.config, path);
}

/** Errors of `run` begin with the file that they are about. */
export async function located<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof OmmaError && !error.message.startsWith(path))
      throw new OmmaError(`${path}: ${error.message}`);
    throw error;
  }
}
