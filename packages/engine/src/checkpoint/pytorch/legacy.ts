/**
 * The two layouts that PyTorch wrote before 1.6.
 *
 * Legacy: five pickles in a row (magic number, protocol version, system, the object, keys of storages), then for each storage its number
 * of elements and its bytes. Older still: a tar archive with members `pickle`, `storages` and, where tensors are referred to, `tensors`.
 * Source: torch/serialization.py, `_legacy_load`.
 */

import { OmmaError } from '@omma/core';
import { type FileDType, fileByteSize } from '@omma/nn';
import { type ByteSource, TarArchive } from '@omma/storage';
import { storageDType, storageReference, torchHost } from './globals.ts';
import { type PickleHost, readPickle } from './pickle.ts';
import { ByteReader, latin1 } from './reader.ts';
import {
  Global,
  type PickleValue,
  type Storage,
  type StorageReference,
  TorchTensor,
  Tuple,
} from './value.ts';

const magic = 0x1950a86a20f9469cfc6cn;

/** Tensors are made while their storages are still ahead in the file, so a storage's bytes come later. */
class LateStorage implements Storage {
  readonly dtype: FileDType;
  readonly elements: number;
  #bytes: Uint8Array | null = null;

  constructor({ dtype, elements }: StorageReference) {
    this.dtype = dtype;
    this.elements = elements;
  }

  get size(): number {
    return this.elements * fileByteSize(this.dtype);
  }

  async read(): Promise<Uint8Array> {
    if (this.#bytes === null) throw new OmmaError('PyTorch file: it lacks the numbers of a tensor');
    return this.#bytes;
  }

  fill(bytes: Uint8Array): void {
    this.#bytes = bytes;
  }
}

export function isLegacy(bytes: Uint8Array): boolean {
  // PROTO 2, LONG1 of ten bytes.
  return bytes[0] === 0x80 && bytes[1] === 2 && bytes[2] === 0x8a && bytes[3] === 10;
}

export function readLegacy(bytes: Uint8Array): PickleValue {
  const reader = new ByteReader(bytes);
  const plain = plainHost();
  if (readPickle(reader, plain) !== magic) throw new OmmaError("the magic number is not PyTorch's");
  if (readPickle(reader, plain) !== 1001) throw new OmmaError('the protocol version is not 1001');
  readPickle(reader, plain);
  const storages = new Map<string, LateStorage>();
  const value = readPickle(
    reader,
    torchHost({
      storage: (reference) => storages.get(reference.key) ?? missing(reference.key),
      persistent: (id) => declare(storages, id),
    }),
  );
  const keys = readPickle(reader, plain);
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined)
      throw new OmmaError(`the file holds numbers of an unknown storage ${keyOf(key)}`);
    const bytes = storageBytes(reader, storage.dtype);
    if (bytes.length !== storage.size)
      throw new OmmaError(`storage ${key} should have ${storage.size} bytes but has ${bytes.length}`);
    storage.fill(bytes);
  }
  return value;
}

/** Views of storages name their parent in a sixth element; the tensor's own offset already counts from the parent's begin. */
function declare(storages: Map<string, LateStorage>, id: PickleValue): StorageReference {
  const reference = storageReference(
    id instanceof Tuple && id.items[0] === 'storage' ? new Tuple(id.items.slice(0, 5)) : id,
  );
  const view = id instanceof Tuple ? (id.items[5] ?? null) : null;
  if (view !== null)
    throw new OmmaError(
      'views of storages, which PyTorch wrote before 0.4, are not read; save it again with a newer one',
    );
  if (!storages.has(reference.key)) storages.set(reference.key, new LateStorage(reference));
  return reference;
}

function storageBytes(reader: ByteReader, dtype: FileDType): Uint8Array {
  return reader.take(reader.size64() * fileByteSize(dtype));
}

/** Pickles beside the object itself hold plain values only. */
function plainHost(): PickleHost {
  return torchHost({
    storage: ({ key }) => missing(key),
    persistent: () => {
      throw new OmmaError('the head of the file refers to numbers outside of it');
    },
  });
}

function missing(key: string): never {
  throw new OmmaError(`the file has no numbers for storage ${key}`);
}

export function isTar(bytes: Uint8Array): boolean {
  return bytes.length >= 512 && latin1(bytes.subarray(257, 262)) === 'ustar';
}

export async function readTar(source: ByteSource): Promise<PickleValue> {
  const archive = await TarArchive.open(source);
  // tar writes `./pickle` when it is given a folder.
  const names = new Map([...archive.entries.keys()].map((name) => [name.replace(/^\.\//, ''), name]));
  const member = async (name: string) => {
    const stored = names.get(name);
    if (stored === undefined) throw new OmmaError(`the archive has no member ${name}`);
    return new ByteReader(await archive.read(stored));
  };
  const storages = tarStorages(await member('storages'));
  const tensors = names.has('tensors')
    ? tarTensors(await member('tensors'), storages)
    : new Map<string, TorchTensor>();
  return readPickle(
    await member('pickle'),
    torchHost({
      storage: ({ key }) => storages.get(key) ?? missing(key),
      persistent: (id) => tensors.get(keyOf(id)) ?? missing(keyOf(id)),
    }),
  );
}

/** A storage that is in memory. */
class WholeStorage implements Storage {
  readonly dtype: FileDType;
  readonly bytes: Uint8Array;

  constructor(dtype: FileDType, bytes: Uint8Array) {
    this.dtype = dtype;
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  async read(): Promise<Uint8Array> {
    return this.bytes;
  }
}

function count(reader: ByteReader, host: PickleHost): number {
  const value = readPickle(reader, host);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new OmmaError('a member of the archive does not begin with a number of entries');
  return value;
}

function tarStorages(reader: ByteReader): Map<string, WholeStorage> {
  const host = plainHost();
  const storages = new Map<string, WholeStorage>();
  for (let left = count(reader, host); left > 0; left--) {
    const entry = readPickle(reader, host);
    const [key = null, , type = null] = entry instanceof Tuple ? entry.items : [];
    const dtype = type instanceof Global ? storageDType(type.name) : undefined;
    if (dtype === undefined) throw new OmmaError('a storage of the archive has no known type');
    storages.set(keyOf(key), new WholeStorage(dtype, storageBytes(reader, dtype)));
  }
  // Views share the bytes of another storage: (key, root key, offset, elements).
  const views = reader.position < reader.bytes.length ? readPickle(reader, host) : [];
  for (const view of Array.isArray(views) ? views : []) {
    const [target, root, offset, elements] = view instanceof Tuple ? view.items : [];
    const whole = storages.get(keyOf(root));
    if (whole === undefined || typeof offset !== 'number' || typeof elements !== 'number')
      throw new OmmaError('a view of a storage in the archive is damaged');
    const size = fileByteSize(whole.dtype);
    const bytes = new ByteReader(whole.bytes, offset * size).take(elements * size);
    storages.set(keyOf(target), new WholeStorage(whole.dtype, bytes));
  }
  return storages;
}

function tarTensors(reader: ByteReader, storages: ReadonlyMap<string, Storage>): Map<string, TorchTensor> {
  const host = plainHost();
  const tensors = new Map<string, TorchTensor>();
  for (let left = count(reader, host); left > 0; left--) {
    const entry = readPickle(reader, host);
    const [key = null, storageKey = null] = entry instanceof Tuple ? entry.items : [];
    const storage = storages.get(keyOf(storageKey)) ?? missing(keyOf(storageKey));
    const rank = reader.int32();
    // The rank once took eight bytes.
    reader.take(4);
    if (rank < 0 || rank > 64) throw new OmmaError(`a tensor of the archive has ${rank} axes`);
    const sizes = () => Array.from({ length: rank }, () => reader.size64());
    const shape = sizes();
    const stride = sizes();
    tensors.set(keyOf(key), new TorchTensor(storage, reader.size64(), shape, stride));
  }
  return tensors;
}

/** A key of a storage or tensor as text. Anything but a text or number is refused: a list that holds itself many times over would take forever to be one. */
function keyOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  throw new OmmaError(
    `a storage or tensor has a key that is ${Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`}; expected a text or number`,
  );
}
