/** What a PyTorch file can hold, as plain data: Python's own values, tensors, and objects that are named but never brought to life. */

import type { FileDType } from '@omma/nn';

/** Numbers of a file; several tensors may look at the same ones. */
export interface Storage {
  readonly dtype: FileDType;
  /** Raw little-endian bytes. */
  readonly bytes: Uint8Array;
}

/** A view of a storage: offset and strides are in elements. */
export class TorchTensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];

  constructor(storage: Storage, offset: number, shape: readonly number[], stride: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
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
