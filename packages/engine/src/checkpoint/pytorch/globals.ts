/**
 * The classes and functions that a PyTorch file of weights names, and what each means here. Everything else is refused by name.
 *
 * Sources: torch/_utils.py and torch/storage.py for tensors; NumPy's multiarray for the scalars that OpenMMLab writes into `meta`;
 * mmengine's message hub for the histories in its training checkpoints.
 */

import { OmmaError } from '@omma/core';
import type { FileDType } from '@omma/nn';
import type { PickleHost } from './pickle.ts';
import { latin1 } from './reader.ts';
import {
  Global,
  InertObject,
  type PickleValue,
  type Storage,
  StorageReference,
  TorchTensor,
  Tuple,
} from './value.ts';

const storageTypes: Readonly<Record<string, FileDType>> = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  UInt16Storage: 'U16',
  UInt32Storage: 'U32',
  UInt64Storage: 'U64',
  Float8_e4m3fnStorage: 'F8_E4M3',
  Float8_e5m2Storage: 'F8_E5M2',
};

const typeNames: Readonly<Record<string, FileDType>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
};

/** Classes whose objects are kept as data. */
const inert = new Set([
  'argparse.Namespace',
  'mmengine.logging.history_buffer.HistoryBuffer',
  'mmengine.config.config.ConfigDict',
  // mmengine's histories name their own methods so; nothing is looked up.
  'builtins.getattr',
  '__builtin__.getattr',
  'numpy.dtype',
  'torch.device',
  'torch.Generator',
]);

const containers = new Set([
  'collections.OrderedDict',
  'collections.defaultdict',
  'collections.Counter',
  'builtins.dict',
  '__builtin__.dict',
]);
const sets = new Set(['builtins.set', '__builtin__.set', 'builtins.frozenset', '__builtin__.frozenset']);
const renamed = new Map([['numpy._core.multiarray', 'numpy.core.multiarray']]);

/** What files of weights may well hold, but Omma has no tensors for. */
const unsupported: Readonly<Record<string, string>> = {
  'torch.ComplexFloatStorage': 'complex numbers; save their real and imaginary parts',
  'torch.ComplexDoubleStorage': 'complex numbers; save their real and imaginary parts',
  'torch.ComplexHalfStorage': 'complex numbers; save their real and imaginary parts',
  'torch.complex64': 'complex numbers; save their real and imaginary parts',
  'torch.complex128': 'complex numbers; save their real and imaginary parts',
  'torch.QInt8Storage': 'quantised tensors; save them dequantised',
  'torch.QUInt8Storage': 'quantised tensors; save them dequantised',
  'torch.QInt32Storage': 'quantised tensors; save them dequantised',
  'torch._utils._rebuild_qtensor': 'quantised tensors; save them dequantised',
  'torch._utils._rebuild_sparse_tensor': 'sparse tensors; save them with to_dense()',
  'torch._utils._rebuild_sparse_csr_tensor': 'sparse tensors; save them with to_dense()',
  'torch._utils._rebuild_meta_tensor_no_storage': 'tensors without numbers (on the device meta)',
};

const functions = new Set([
  'torch._utils._rebuild_tensor',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_tensor_v3',
  'torch._utils._rebuild_parameter',
  'torch._utils._rebuild_parameter_with_state',
  'torch.Size',
  'torch.serialization._get_layout',
  'numpy.core.multiarray.scalar',
  'numpy.core.multiarray._reconstruct',
  'numpy.ndarray',
  '_codecs.encode',
  'builtins.bytearray',
  'builtins.complex',
  'builtins.int',
  'builtins.float',
  'builtins.str',
  'builtins.bool',
]);

/** The dtype behind a storage class, `torch.FloatStorage` or in older files `torch.cuda.FloatStorage`; undefined for another class. */
export function storageDType(name: string): FileDType | undefined {
  const short = /^torch\.(?:cuda\.|storage\.)?(\w+)$/.exec(name)?.[1];
  return short !== undefined && Object.hasOwn(storageTypes, short) ? storageTypes[short] : undefined;
}

/** The storage class for a dtype; null where PyTorch 1.13 has none, so that the storage has no type and the tensor names it. */
export function storageClass(dtype: FileDType): string | null {
  if (/^(U16|U32|U64|F8_)/.test(dtype)) return null;
  return Object.entries(storageTypes).find(([, type]) => type === dtype)?.[0] ?? null;
}

/** The name of a dtype in the module torch: `float32`. */
export function typeName(dtype: FileDType): string {
  const found = Object.entries(typeNames).find(([, type]) => type === dtype);
  if (found === undefined) throw new OmmaError(`PyTorch has no name for ${dtype}`);
  return found[0];
}

export interface Outside {
  /** The bytes of a storage. */
  storage(reference: StorageReference): Storage;
  persistent(id: PickleValue): PickleValue;
}

/** The host of a pickle whose tensors lie in `outside`. */
export function torchHost(outside: Outside): PickleHost {
  return {
    global: allowed,
    call: (callee, args) => called(callee, args, outside),
    persistent: (id) => outside.persistent(id),
  };
}

/** The persistent id of today's files: ('storage', class, key, location, elements). */
export function storageReference(id: PickleValue): StorageReference {
  const [kind, type, key, , elements] = id instanceof Tuple ? id.items : [];
  const name = type instanceof Global ? type.name : '';
  const dtype =
    name === 'torch.storage.UntypedStorage' || name === 'torch.UntypedStorage' ? 'U8' : storageDType(name);
  if (kind !== 'storage' || dtype === undefined || typeof key !== 'string' || !isSize(elements))
    throw new OmmaError('a reference to numbers outside of the pickle is damaged');
  return new StorageReference(key, dtype, elements);
}

function allowed(module: string, name: string): PickleValue {
  const full = `${renamed.get(module) ?? module}.${name}`;
  const known =
    functions.has(full) ||
    inert.has(full) ||
    containers.has(full) ||
    sets.has(full) ||
    storageDType(full) !== undefined;
  if (known || full === 'torch.storage.UntypedStorage' || full === 'torch.UntypedStorage')
    return new Global(full);
  if (module === 'torch' && Object.hasOwn(typeNames, name)) return new Global(full);
  // Scalars of NumPy 2, and what the tar files of before 0.4 say of a tensor's class.
  if (/^numpy\.dtypes\.\w+DType$|^torch\.(cuda\.)?\w+Tensor$/.test(full)) return new Global(full);
  const kind = Object.hasOwn(unsupported, full) ? unsupported[full] : undefined;
  if (kind !== undefined) throw new OmmaError(`it holds ${kind}`);
  throw new OmmaError(
    `it asks for ${full.slice(0, 100)}, which weights do not need; the file is refused because loading it in Python could run code`,
  );
}

function called(callee: PickleValue, args: readonly PickleValue[], outside: Outside): PickleValue {
  if (!(callee instanceof Global)) throw new OmmaError('the pickle calls something that is no class');
  const { name } = callee;
  const [first = null, second = null, third = null, fourth = null] = args;
  if (containers.has(name)) return dictOf(name === 'collections.defaultdict' ? second : first);
  if (sets.has(name)) return new Set(itemsOf(first));
  if (inert.has(name) || name.startsWith('numpy.dtypes.')) return new InertObject(name, args);
  switch (name) {
    case 'torch._utils._rebuild_tensor':
    case 'torch._utils._rebuild_tensor_v2':
      return tensorOf(first, second, third, fourth, outside);
    case 'torch._utils._rebuild_tensor_v3':
      return tensorOf(first, second, third, fourth, outside, dtypeOf(args[6]));
    case 'torch._utils._rebuild_parameter':
    case 'torch._utils._rebuild_parameter_with_state':
      return first;
    case 'torch.Size':
      return first;
    case 'numpy.core.multiarray.scalar':
      return scalarOf(first, second);
    case '_codecs.encode':
      if (typeof first !== 'string') break;
      return Uint8Array.from(first, (character) => character.charCodeAt(0) & 0xff);
    case 'builtins.int':
    case 'builtins.float':
    case 'builtins.str':
    case 'builtins.bool':
    case 'builtins.bytearray':
      return first;
    default:
      return new InertObject(name, args);
  }
  throw new OmmaError(`the pickle calls ${name} with arguments that it does not take`);
}

function dictOf(pairs: PickleValue): Map<PickleValue, PickleValue> {
  if (pairs instanceof Map) return new Map(pairs);
  return new Map(
    itemsOf(pairs).map((pair) => {
      const [key = null, value = null] = itemsOf(pair);
      return [key, value];
    }),
  );
}

function itemsOf(value: PickleValue): readonly PickleValue[] {
  if (value === null) return [];
  if (value instanceof Tuple) return value.items;
  if (Array.isArray(value)) return value;
  throw new OmmaError('the pickle has something else where a list is expected');
}

function tensorOf(
  source: PickleValue,
  offset: PickleValue,
  size: PickleValue,
  stride: PickleValue,
  outside: Outside,
  dtype?: FileDType,
): TorchTensor {
  // The oldest archives describe a storage where later files refer to it.
  const reference = source instanceof Tuple ? storageReference(source) : source;
  const [shape, strides] = [itemsOf(size), itemsOf(stride)];
  if (
    !(reference instanceof StorageReference) ||
    !isSize(offset) ||
    !shape.every(isSize) ||
    !strides.every(isSize) ||
    shape.length !== strides.length
  )
    throw new OmmaError('a tensor is described by something that is no storage, offset, size and stride');
  return new TorchTensor(outside.storage(reference), offset, shape, strides, dtype);
}

/** The dtype that a tensor of an untyped storage names: `torch.uint32`. */
function dtypeOf(value: PickleValue | undefined): FileDType {
  const name = value instanceof Global ? value.name.replace(/^torch\./, '') : '';
  const dtype = Object.hasOwn(typeNames, name) ? typeNames[name] : undefined;
  if (dtype === undefined) throw new OmmaError('a tensor names no dtype that is known');
  return dtype;
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A NumPy scalar: the few types that appear in metadata; others stay data. */
function scalarOf(dtype: PickleValue, raw: PickleValue): PickleValue {
  const [code] = dtype instanceof InertObject ? dtype.args : [];
  if (!(raw instanceof Uint8Array) || typeof code !== 'string')
    return new InertObject('numpy.core.multiarray.scalar', [dtype, raw]);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const kind = `${code.replace(/[<>|=]/, '')}:${raw.length}`;
  switch (kind) {
    case 'f8:8':
      return view.getFloat64(0, true);
    case 'f4:4':
      return view.getFloat32(0, true);
    case 'i8:8':
      return Number(view.getBigInt64(0, true));
    case 'i4:4':
      return view.getInt32(0, true);
    case 'b1:1':
      return view.getUint8(0) !== 0;
    default:
      return latin1(raw);
  }
}
