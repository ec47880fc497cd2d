/** Writes plain data and tensors as a Python pickle of protocol 2, the one that every PyTorch reads, with `weights_only=True` too. */

import { type FileDType, fileTensorBytes } from '@omma/nn';
import type { StoredTensor } from '../storedTensor.ts';
import { storageClass, typeName } from './globals.ts';

/** What can be written: a Map becomes an OrderedDict, an object a dict. */
export type PickleWritable =
  | null
  | boolean
  | number
  | string
  | readonly PickleWritable[]
  | StoredTensor
  | ReadonlyMap<string, PickleWritable>
  | { readonly [key: string]: PickleWritable };

export interface WrittenPickle {
  readonly bytes: Uint8Array;
  /** The tensors by the keys of their storages. */
  readonly storages: ReadonlyMap<string, StoredTensor>;
}

export function writePickle(value: PickleWritable): WrittenPickle {
  const writer = new PickleWriter();
  writer.value(value);
  return writer.end();
}

const mark = '(';

class PickleWriter {
  readonly #parts: Uint8Array[] = [Uint8Array.of(0x80, 2)];
  readonly #storages = new Map<string, StoredTensor>();

  end(): WrittenPickle {
    this.#code('.');
    return { bytes: new Uint8Array(Buffer.concat(this.#parts)), storages: this.#storages };
  }

  value(value: PickleWritable): void {
    if (value === null) this.#code('N');
    else if (typeof value === 'boolean') this.#parts.push(Uint8Array.of(value ? 0x88 : 0x89));
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#text(value);
    else if (isList(value)) this.#list(value);
    else if (value instanceof Map) this.#orderedDict(value);
    else if (isTensor(value)) this.#tensor(value);
    else this.#items('}', Object.entries(value));
  }

  #code(text: string): void {
    this.#parts.push(Buffer.from(text, 'latin1'));
  }

  #number(value: number): void {
    const bytes = Buffer.alloc(10);
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
      bytes.write('J', 'latin1');
      bytes.writeInt32LE(value, 1);
      this.#parts.push(bytes.subarray(0, 5));
    } else if (Number.isSafeInteger(value)) {
      bytes.writeUInt16LE(0x088a);
      bytes.writeBigInt64LE(BigInt(value), 2);
      this.#parts.push(bytes);
    } else {
      bytes.write('G', 'latin1');
      bytes.writeDoubleBE(value, 1);
      this.#parts.push(bytes.subarray(0, 9));
    }
  }

  #text(value: string): void {
    const text = Buffer.from(value, 'utf8');
    const head = Buffer.alloc(5, 'X');
    head.writeUInt32LE(text.length, 1);
    this.#parts.push(head, text);
  }

  #list(values: readonly PickleWritable[]): void {
    this.#code(`]${mark}`);
    for (const value of values) this.value(value);
    this.#code('e');
  }

  #orderedDict(map: ReadonlyMap<string, PickleWritable>): void {
    this.#items('ccollections\nOrderedDict\n)R', [...map]);
  }

  #items(empty: string, entries: readonly (readonly [string, PickleWritable])[]): void {
    this.#code(`${empty}${mark}`);
    for (const [key, value] of entries) {
      this.#text(key);
      this.value(value);
    }
    this.#code('u');
  }

  /** A tensor of PyTorch: what its rebuilding function is called with. Dtypes younger than 1.13 lie in untyped storages. */
  #tensor(tensor: StoredTensor): void {
    const key = String(this.#storages.size);
    this.#storages.set(key, tensor);
    const { dtype, shape } = tensor;
    const typed = storageClass(dtype);
    this.#code(`ctorch._utils\n_rebuild_tensor_v${typed === null ? 3 : 2}\n${mark}`);
    this.#storage(key, tensor, typed);
    this.#number(0);
    this.#tuple(shape);
    this.#tuple(stridesOf(shape));
    this.value(false);
    this.#code('ccollections\nOrderedDict\n)R');
    if (typed === null) this.#code(`ctorch\n${typeName(dtype)}\n`);
    this.#code('tR');
  }

  #storage(key: string, tensor: StoredTensor, typed: string | null): void {
    this.#code(mark);
    this.#text('storage');
    this.#code(typed === null ? 'ctorch.storage\nUntypedStorage\n' : `ctorch\n${typed}\n`);
    this.#text(key);
    this.#text('cpu');
    this.#number(typed === null ? fileTensorBytes(tensor) : elementsOf(tensor));
    this.#code('tQ');
  }

  #tuple(values: readonly number[]): void {
    this.#code(mark);
    for (const value of values) this.#number(value);
    this.#code('t');
  }
}

function isList(value: PickleWritable): value is readonly PickleWritable[] {
  return Array.isArray(value);
}

function isTensor(value: object): value is StoredTensor {
  return 'read' in value && typeof value.read === 'function';
}

function elementsOf({ shape }: { dtype: FileDType; shape: readonly number[] }): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Strides of row-major order, in elements. */
function stridesOf(shape: readonly number[]): number[] {
  let stride = 1;
  return shape
    .toReversed()
    .map((extent) => {
      const own = stride;
      stride *= Math.max(1, extent);
      return own;
    })
    .reverse();
}
