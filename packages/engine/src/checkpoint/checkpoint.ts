/**
 * A checkpoint: one safetensors file with every variable of the run, and in its metadata a JSON manifest that says the rest.
 *
 * One file, so that it is there or not there. The manifest carries a checksum of the numbers; reading verifies it. Weights have their
 * OpenMMLab names, so any safetensors reader can use the file; the run's other state begins with `optimizer.` or `run.`.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type HostTensor, OmmaError } from '@omma/core';
import { encodeSafetensors, readSafetensors, type SafetensorsFile, toHostTensor } from '@omma/nn';
import { z } from 'zod';
import { checkConfig } from '../config/schema.ts';
import type { Config } from '../config/types.ts';
import { codeOf, writeAtomically } from './files.ts';
import { isPyTorchFile, readPyTorch, stateDictOf } from './pytorch/index.ts';

const manifestSchema = z.object({
  format: z.literal(1),
  version: z.string(),
  epoch: z.int().min(0),
  iterationInEpoch: z.int().min(0),
  iteration: z.int().min(0),
  evaluationDue: z.boolean(),
  seed: z.int().min(0),
  best: z.object({ metric: z.string(), value: z.number(), path: z.string() }).nullable(),
  metrics: z.record(z.string(), z.number()),
  classes: z.array(z.string()),
  /** Shapes and dtypes of a batch's inputs, without the batch axis. */
  inputs: z.record(z.string(), z.object({ shape: z.array(z.int()), dtype: z.string() })),
  checksum: z.string(),
  config: z.unknown(),
});

export interface Manifest extends z.infer<typeof manifestSchema> {
  readonly config: unknown;
}

/** What the run adds to a manifest; the rest is filled in when it is written. */
export type ManifestContent = Omit<Manifest, 'format' | 'checksum' | 'config'> & { readonly config: Config };

export interface Checkpoint {
  readonly path: string;
  readonly manifest: Manifest;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

const metadataKey = 'omma';

/** Writes a checkpoint atomically. */
export async function saveCheckpoint(
  path: string,
  tensors: Readonly<Record<string, HostTensor>>,
  content: ManifestContent,
): Promise<void> {
  const [, ...data] = encodeSafetensors(tensors);
  const manifest: Manifest = { format: 1, ...content, checksum: checksumOf(data) };
  await writeAtomically(path, encodeSafetensors(tensors, { [metadataKey]: JSON.stringify(manifest) }));
}

/** Reads and verifies a checkpoint. OmmaError when it is missing, damaged, or not one of Omma's. */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await bytesOf(path);
  const file = located(path, () => readSafetensors(bytes));
  const text = file.metadata[metadataKey];
  if (text === undefined) {
    throw new OmmaError(`${path}: has weights but no Omma manifest, so it is not a checkpoint of a run`);
  }
  return verified(path, bytes, file, text);
}

/**
 * A model's weights by name: those of a checkpoint without the run's own state, or all of a safetensors or PyTorch file from elsewhere.
 * PyTorch's `num_batches_tracked` is left out: nothing is computed from it while batch norm has a momentum.
 */
export async function loadModelWeights(path: string): Promise<ReadonlyMap<string, HostTensor>> {
  const bytes = await bytesOf(path);
  if (isPyTorchFile(bytes)) return located(path, () => modelWeights(stateDictOf(readPyTorch(bytes))));
  const file = located(path, () => readSafetensors(bytes));
  const text = file.metadata[metadataKey];
  return modelWeights(
    text === undefined ? hostTensors(path, file) : verified(path, bytes, file, text).tensors,
  );
}

/** See `loadModelWeights`. */
export function modelWeights(tensors: ReadonlyMap<string, HostTensor>): ReadonlyMap<string, HostTensor> {
  const foreign = /^(optimizer|run)\.|(^|\.)num_batches_tracked$/;
  return new Map([...tensors].filter(([name]) => !foreign.test(name)));
}

function bytesOf(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    throw new OmmaError(
      `${path}: cannot read the checkpoint (${codeOf(error) ?? String(error)}); check the path`,
    );
  });
}

function verified(path: string, bytes: Uint8Array, file: SafetensorsFile, text: string): Checkpoint {
  const { tensors } = file;
  const manifest = manifestOf(path, text);
  const start = Math.min(
    ...[...tensors.values()].map((tensor) => tensor.bytes.byteOffset - bytes.byteOffset),
  );
  const data = tensors.size === 0 ? new Uint8Array() : bytes.subarray(start);
  if (checksumOf([data]) !== manifest.checksum) {
    throw new OmmaError(
      `${path}: the numbers do not match the checksum; the file is damaged, use another checkpoint`,
    );
  }
  return { path, manifest, tensors: hostTensors(path, file) };
}

function hostTensors(path: string, { tensors }: SafetensorsFile): ReadonlyMap<string, HostTensor> {
  return located(
    path,
    () => new Map([...tensors].map(([name, tensor]) => [name, toHostTensor(name, tensor)])),
  );
}

/** The config that a checkpoint was trained with. */
export function configOf({ manifest, path }: Checkpoint): Config {
  return checkConfig(manifest.config, path);
}

function manifestOf(path: string, text: string): Manifest {
  const parsed = z.string().transform(parseJson).pipe(manifestSchema).safeParse(text);
  if (!parsed.success) throw new OmmaError(`${path}: the manifest is damaged or of another version of Omma`);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function checksumOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function located<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof OmmaError) throw new OmmaError(`${path}: ${error.message}`);
    throw error;
  }
}
