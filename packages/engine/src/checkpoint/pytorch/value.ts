/** What a PyTorch file can hold, as plain data: Python's own values, tensors, and objects that are named but never brought to life. */

import { OmmaError } from '@omma/core';
import { type FileDType, fileByteSize, fileTensorBytes } from '@omma/nn';
import type { StoredTensor } from '../storedTensor.ts';
import { gathered } from './strides.ts';

/** Numbers of a file; several tensors may look at the same ones. */
export interface Storage {
  readonly dtype: FileDType;
  /** In bytes. */
  readonly size: number;
  /** Raw little-endian bytes. */
  read(): Promise<Uint8Array>;
}

/** A view may repeat elements, so it can be larger than its storage; this bounds what is made of a small file. */
const maxRepeatedBytes = 2 ** 28;

/** A view of a storage: offset and strides are in elements. */
export class TorchTensor implements StoredTensor {
  readonly storage: Storage;
  readonly dtype: FileDType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];

  /** `dtype` differs from the storage's where the file has storages without a type. */
  constructor(
    storage: Storage,
    offset: number,
    shape: readonly number[],
    stride: readonly number[],
    dtype: FileDType = storage.dtype,
  ) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
    this.dtype = dtype;
  }

  /** The numbers in row-major order. */
  async read(): Promise<Uint8Array> {
    this.check('a tensor');
    const { dtype, offset, shape, stride } = this;
    return gathered(await this.storage.read(), fileByteSize(dtype), offset, shape, stride);
  }

  /** Throws where the view reaches beyond its storage; `what` names it. */
  check(what: string): void {
    const { storage, offset, shape, stride } = this;
    const bytes = fileTensorBytes(this);
    const last = shape.reduce((reach, extent, axis) => reach + (extent - 1) * (stride[axis] ?? 0), offset);
    const held = storage.size / fileByteSize(this.dtype);
    if (bytes !== 0 && !(last < held))
      throw new OmmaError(`PyTorch file: ${what} reaches element ${last} of a storage that has ${held}`);
    if (bytes > storage.size && bytes > maxRepeatedBytes)
      throw new OmmaError(`PyTorch file: ${what} would take ${bytes} bytes`);
  }
}

/** A tuple; lists are arrays. */
export class Tuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A class or function of the allow-list, by name. */
export class Global {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** An object of an allowed class, with what it was made of: shown, never run. */
export class InertObject {
  readonly type: string;
  readonly args: readonly PickleValue[];
  state: PickleValue = null;

  constructor(type: string, args: readonly PickleValue[]) {
    this.type = type;
    this.args = args;
  }
}

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | Tuple
  | Global
  | InertObject
  | TorchTensor
  | StorageReference;

/** A storage by its key, before or after its bytes were found. */
export class StorageReference {
  readonly key: string;
  readonly dtype: FileDType;
  readonly elements: number;

  constructor(key: string, dtype: FileDType, elements: number) {
    this.key = key;
    this.dtype = dtype;
    this.elements = elements;
  }
}
