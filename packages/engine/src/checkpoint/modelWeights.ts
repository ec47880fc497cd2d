/** A model's weights out of a checkpoint, a safetensors file or a PyTorch file. */

import type { HostTensor } from '@omma/core';
import { type Checkpoint, located, verifiedManifest, verifiedTensors } from './checkpoint.ts';
import { manifestKey } from './manifest.ts';
import { emaPrefix, isBatchCounter, isModelName } from './names.ts';
import { isPyTorchFile, readPyTorch, stateDictOf } from './pytorch/index.ts';
import { readSafetensorsFrom } from './safetensorsFile.ts';
import { loadTensor } from './storedTensor.ts';
import { requireAverages, type WeightChoice } from './weightChoice.ts';
import { type WeightSourceOptions, weightSource } from './weightSource.ts';

export interface ModelWeightsOptions extends WeightSourceOptions {
  /** Averaged weights where the file has them, unless told otherwise. */
  readonly choice?: WeightChoice;
}

/**
 * A model's weights by name, of a path or an address: those of a checkpoint without the run's own state, or all of a safetensors or PyTorch file from elsewhere.
 * PyTorch's `num_batches_tracked` is left out: nothing is computed from it while batch norm has a momentum.
 */
export async function loadModelWeights(
  path: string,
  { choice = 'auto', ...options }: ModelWeightsOptions = {},
): Promise<ReadonlyMap<string, HostTensor>> {
  const source = await weightSource(path, options);
  try {
    return await located(path, async () => {
      if (await isPyTorchFile(source)) {
        const tensors = new Map<string, HostTensor>();
        for (const [name, tensor] of stateDictOf(await readPyTorch(source), choice))
          if (!isBatchCounter(name)) tensors.set(name, await loadTensor(name, tensor));
        return tensors;
      }
      const file = await readSafetensorsFrom(source);
      const text = file.metadata[manifestKey];
      if (text !== undefined) await verifiedManifest(file, text);
      const names = modelNames([...file.tensors.keys()], choice);
      const tensors = await verifiedTensors(file, (name) => names.has(name) && !isBatchCounter(name));
      return new Map([...tensors].map(([name, tensor]) => [names.get(name) ?? name, tensor]));
    });
  } finally {
    await source.close();
  }
}

/** The same of a checkpoint that is loaded already. */
export function modelWeights(
  tensors: Checkpoint['tensors'],
  choice: WeightChoice = 'auto',
): ReadonlyMap<string, HostTensor> {
  const names = modelNames([...tensors.keys()], choice);
  return new Map(
    [...tensors].flatMap(([name, tensor]) => {
      const own = names.get(name);
      return own === undefined || isBatchCounter(name) ? [] : [[own, tensor]];
    }),
  );
}

/** Which tensors of a file make the model, and the names that they have in it. Averages stand in for the weights that have one. */
export function modelNames(names: readonly string[], choice: WeightChoice): ReadonlyMap<string, string> {
  const averaged = names.filter((name) => name.startsWith(emaPrefix));
  const chosen = choice === 'raw' ? [] : averaged;
  requireAverages(choice, averaged.length);
  const replaced = new Set(chosen.map((name) => name.slice(emaPrefix.length)));
  const own = names.filter((name) => isModelName(name) && !replaced.has(name));
  return new Map([
    ...own.map((name): [string, string] => [name, name]),
    ...chosen.map((name): [string, string] => [name, name.slice(emaPrefix.length)]),
  ]);
}
