/** Where the weights of a PyTorch file are: the dict itself, or one of a training checkpoint's. */

import { OmmaError } from '@omma/core';
import { fileTensorBytes } from '@omma/nn';
import { requireAverages, type WeightChoice } from '../weightChoice.ts';
import { type PickleValue, type Storage, TorchTensor } from './value.ts';

/** Where OpenMMLab, torchvision and timm put the weights inside of a training checkpoint. */
const stateKeys = ['state_dict', 'model_state_dict', 'model'] as const;

/** Averaged weights beside them, as timm and others name them. */
const averageKeys = ['state_dict_ema', 'model_ema', 'ema'] as const;

/**
 * MMEngine's EMA hook swaps the two as it saves: `state_dict` has the averages, this the weights as the optimiser left them. The other
 * frameworks leave the weights where they are.
 */
const swappedKey = 'ema_state_dict';

/**
 * The weights of a file by name. `module.`, which data-parallel training and averaging put before each name, is taken off; what else is beside
 * such names, like the step count of an average, is none of the model's.
 */
export function stateDictOf(value: PickleValue, choice: WeightChoice = 'auto'): Map<string, TorchTensor> {
  const dict = chosenDict(value, choice);
  if (!(dict instanceof Map)) throw new OmmaError('PyTorch file: it holds no dict of weights');
  const tensors = tensorsOf(dict);
  const entries = [...tensors];
  if (!entries.some(([name]) => name.startsWith('module.'))) return tensors;
  return new Map(
    entries.flatMap(([name, tensor]) => (name.startsWith('module.') ? [[name.slice(7), tensor]] : [])),
  );
}

function chosenDict(value: PickleValue, choice: WeightChoice): PickleValue {
  const plain = nested(value, stateKeys);
  const swapped = nested(value, [swappedKey]);
  if (swapped !== null) return plain === null || choice === 'raw' ? swapped : plain;
  const averaged = nested(value, averageKeys);
  requireAverages(choice, averaged === null ? 0 : 1);
  return (choice === 'raw' ? null : averaged) ?? plain ?? averaged ?? value;
}

function nested(value: PickleValue, keys: readonly string[]): Map<PickleValue, PickleValue> | null {
  if (!(value instanceof Map)) return null;
  for (const key of keys) {
    const inner = value.get(key);
    if (inner instanceof Map) return inner;
  }
  return null;
}

/** More values than any checkpoint has: a file whose lists hold each other many times would never end. */
const maxTensors = 1_000_000;
/** Tensors may share numbers, but not so much that a small file fills the memory. */
const maxSharing = 64;
const freeBytes = 2 ** 28;

/** All tensors within `value`, named by the keys that lead to them. */
export function tensorsOf(value: PickleValue): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  const storages = new Set<Storage>();
  const open = new Set<PickleValue>();
  let visited = 0;
  let bytes = 0;
  const collect = (inner: PickleValue, name: string): void => {
    if (++visited > maxTensors) throw new OmmaError(`PyTorch file: it holds more than ${maxTensors} values`);
    if (inner instanceof TorchTensor) {
      inner.check(`tensor ${name}`);
      tensors.set(name, inner);
      storages.add(inner.storage);
      bytes += fileTensorBytes(inner);
    }
    if (!(inner instanceof Map || Array.isArray(inner)) || open.has(inner)) return;
    if (open.size > maxDepth)
      throw new OmmaError(`PyTorch file: its dicts are nested more than ${maxDepth} deep`);
    open.add(inner);
    for (const [key, item] of inner.entries())
      collect(item, name === '' ? keyText(key) : `${name}.${keyText(key)}`);
    open.delete(inner);
  };
  collect(value, '');
  const held = [...storages].reduce((sum, { size }) => sum + size, 0);
  if (bytes > freeBytes && bytes > maxSharing * held)
    throw new OmmaError(
      `PyTorch file: its tensors would take ${bytes} bytes but the file has ${held} of numbers`,
    );
  return tensors;
}

const maxDepth = 64;

function keyText(key: PickleValue): string {
  return typeof key === 'object' && key !== null ? '?' : String(key).slice(0, 1000);
}
