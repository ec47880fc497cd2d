/**
 * Reads what `torch.save` wrote, without Python and without running anything the file asks for: zip files of today, legacy and tar
 * files of before 1.6; state dicts, whole training checkpoints, OpenMMLab's `meta`.
 */

import { type HostTensor, OmmaError } from '@omma/core';
import { type FileTensor, fileByteSize, toHostTensor } from '@omma/nn';
import { isLegacy, isTar, readLegacy, readTar } from './legacy.ts';
import { InertObject, type PickleValue, TorchTensor, Tuple } from './value.ts';
import { isZip, readZip } from './zip.ts';

export type { PickleValue } from './value.ts';
export { Global, InertObject, TorchTensor, Tuple } from './value.ts';

/** True for a file that begins like one of `torch.save`. */
export function isPyTorchFile(bytes: Uint8Array): boolean {
  return isZip(bytes) || isLegacy(bytes) || isTar(bytes);
}

/** The object in a file of `torch.save`. Throws OmmaError in one line for damaged files and for classes that weights do not need. */
export function readPyTorch(bytes: Uint8Array): PickleValue {
  try {
    if (isZip(bytes)) return readZip(bytes);
    if (isLegacy(bytes)) return readLegacy(bytes);
    if (isTar(bytes)) return readTar(bytes);
  } catch (error) {
    if (error instanceof OmmaError) throw new OmmaError(`PyTorch file: ${error.message}`);
    throw error;
  }
  throw new OmmaError(`PyTorch file: ${bytes.length} bytes that are no file of torch.save`);
}

/** Where OpenMMLab, torchvision and timm put the weights inside of a training checkpoint. */
const stateKeys = ['state_dict', 'model_state_dict', 'model', 'ema_state_dict'] as const;

export interface StateDictOptions {
  /** Takes the averaged weights of a training checkpoint. */
  readonly ema?: boolean;
}

/**
 * The weights of a file by name: the dict itself, or the state dict inside of a training checkpoint. `module.`, which data-parallel
 * training puts before each name, is taken off. The averaged weights of OpenMMLab's EMA hook are `module.` and the name, beside `steps`.
 */
export function stateDictOf(
  value: PickleValue,
  { ema = false }: StateDictOptions = {},
): Map<string, HostTensor> {
  const dict = ema
    ? nested(value, ['ema_state_dict', 'model_ema', 'state_dict_ema'])
    : (nested(value, stateKeys) ?? value);
  if (!(dict instanceof Map))
    throw new OmmaError(`PyTorch file: it holds no ${ema ? 'averaged weights' : 'dict of weights'}`);
  const tensors = new Map<string, HostTensor>();
  collect(dict, '', tensors, new Set());
  const entries = [...tensors];
  const parallel = entries.some(([name]) => name.startsWith('module.'));
  if (!parallel) return tensors;
  return new Map(
    entries.flatMap(([name, tensor]) => (name.startsWith('module.') ? [[name.slice(7), tensor]] : [])),
  );
}

function nested(value: PickleValue, keys: readonly string[]): PickleValue | null {
  if (!(value instanceof Map)) return null;
  const key = keys.find((candidate) => value.get(candidate) instanceof Map);
  return key === undefined ? null : (value.get(key) ?? null);
}

/** More values than any checkpoint has: a file whose lists hold each other many times would never end. */
const maxTensors = 1_000_000;

function collect(
  value: PickleValue,
  name: string,
  into: Map<string, HostTensor>,
  open: Set<PickleValue>,
): void {
  if (value instanceof TorchTensor) {
    if (into.size >= maxTensors)
      throw new OmmaError(`PyTorch file: it holds more than ${maxTensors} tensors`);
    into.set(name, tensorNumbers(name, value));
  }
  if (!(value instanceof Map) || open.has(value)) return;
  open.add(value);
  for (const [key, inner] of value)
    collect(inner, name === '' ? String(key) : `${name}.${String(key)}`, into, open);
}

/** A view may repeat elements, so it can be larger than its storage; this bounds what is made of a small file. */
const maxRepeatedBytes = 2 ** 28;

/** The numbers of a tensor in row-major order, bounds checked. */
export function tensorNumbers(name: string, { storage, offset, shape, stride }: TorchTensor): HostTensor {
  const width = fileByteSize(storage.dtype);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const last = shape.reduce((reach, extent, axis) => reach + (extent - 1) * (stride[axis] ?? 0), offset);
  const held = storage.bytes.length / width;
  if (size > 0 && last >= held)
    throw new OmmaError(`PyTorch file: tensor ${name} reaches element ${last} of a storage that has ${held}`);
  if (size > held && size * width > maxRepeatedBytes)
    throw new OmmaError(`PyTorch file: tensor ${name} would take ${size * width} bytes`);
  return toHostTensor(name, {
    dtype: storage.dtype,
    shape,
    bytes: gathered(storage.bytes, width, offset, shape, stride),
  });
}

function gathered(
  bytes: Uint8Array,
  width: number,
  offset: number,
  shape: readonly number[],
  stride: readonly number[],
): FileTensor['bytes'] {
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (size === 0) return new Uint8Array();
  if (isContiguous(shape, stride)) return bytes.subarray(offset * width, (offset + size) * width);
  const result = new Uint8Array(size * width);
  const place = shape.map(() => 0);
  let source = offset;
  for (let i = 0; i < size; i++) {
    for (let b = 0; b < width; b++) result[i * width + b] = bytes[source * width + b] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const step = stride[axis] ?? 0;
      place[axis] = (place[axis] ?? 0) + 1;
      source += step;
      if ((place[axis] ?? 0) < (shape[axis] ?? 0)) break;
      source -= step * (shape[axis] ?? 0);
      place[axis] = 0;
    }
  }
  return result;
}

function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    if (extent !== 1 && stride[axis] !== expected) return false;
    expected *= extent;
  }
  return true;
}

/** Values beside the weights as JSON: what OpenMMLab calls `meta`. Tensors and objects are described, not written out. */
export function describeValue(value: PickleValue, depth = 6): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof TorchTensor) return `tensor ${value.storage.dtype} [${value.shape.join(', ')}]`;
  if (depth === 0) return '...';
  const inner = (item: PickleValue) => describeValue(item, depth - 1);
  if (Array.isArray(value)) return value.map(inner);
  if (value instanceof Tuple) return value.items.map(inner);
  if (value instanceof Set) return [...value].map(inner);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(inner(key)), inner(item)]));
  return value instanceof InertObject
    ? `object ${value.type}`
    : `class ${'name' in value ? value.name : value.key}`;
}
