/**
 * The layout since PyTorch 1.6: a zip archive with `NAME/data.pkl`, and the bytes of storage K in `NAME/data/K`.
 * Source: torch/serialization.py, `_load`.
 */

import { OmmaError } from '@omma/core';
import { fileByteSize } from '@omma/nn';
import { unzipSync } from 'fflate';
import { storageReference, torchHost } from './globals.ts';
import { readPickle } from './pickle.ts';
import { ByteReader, latin1 } from './reader.ts';
import type { PickleValue, Storage, StorageReference } from './value.ts';

export function isZip(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 4)) === 'PK\x03\x04';
}

export function readZip(bytes: Uint8Array): PickleValue {
  const files = unzip(bytes);
  const pickle = [...files.keys()].find((name) => /^[^/]*\/?data\.pkl$/.test(name));
  if (pickle === undefined) {
    const script = [...files.keys()].some((name) => /(^|\/)(constants\.pkl|code\/)/.test(name));
    throw new OmmaError(
      script
        ? 'it is a TorchScript program, not weights; save its state_dict()'
        : 'the archive holds no data.pkl',
    );
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = files.get(`${folder}byteorder`);
  if (order !== undefined && latin1(order) !== 'little')
    throw new OmmaError(
      `its numbers are in ${latin1(order).slice(0, 20)}-endian order; save it on another machine`,
    );
  const storages = new Map<string, Storage>();
  const storageOf = (reference: StorageReference): Storage => {
    const known = storages.get(reference.key);
    if (known !== undefined) return known;
    const { key, dtype, elements } = reference;
    const data = files.get(`${folder}data/${key}`);
    if (data === undefined) throw new OmmaError(`the archive holds no numbers for storage ${key}`);
    if (data.length !== elements * fileByteSize(dtype))
      throw new OmmaError(
        `storage ${key} should have ${elements * fileByteSize(dtype)} bytes but has ${data.length}`,
      );
    const storage = { dtype, bytes: data };
    storages.set(key, storage);
    return storage;
  };
  return readPickle(
    new ByteReader(files.get(pickle) ?? new Uint8Array()),
    torchHost({ storage: storageOf, persistent: storageReference }),
  );
}

/** Members by name. PyTorch stores without compression, so an archive that grows much is not of its making. */
function unzip(bytes: Uint8Array): Map<string, Uint8Array> {
  let total = 0;
  try {
    const files = unzipSync(bytes, {
      filter: ({ originalSize }) => {
        total += originalSize;
        if (total > 16 * bytes.length + 65536)
          throw new OmmaError('the archive would grow to more than 16 times its size');
        return true;
      },
    });
    return new Map(Object.entries(files));
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`the zip archive is damaged (${reason})`);
  }
}
