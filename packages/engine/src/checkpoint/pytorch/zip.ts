/**
 * The layout since PyTorch 1.6: a zip archive with `NAME/data.pkl`, and the bytes of storage K in `NAME/data/K`.
 * Source: torch/serialization.py, `_load`.
 */

import { OmmaError } from '@omma/core';
import { fileByteSize } from '@omma/nn';
import { type ByteSource, readEntry, type ZipMember, zipDirectory, zipHeaderBytes } from '@omma/storage';
import { storageReference, torchHost } from './globals.ts';
import { readPickle } from './pickle.ts';
import { ByteReader, latin1 } from './reader.ts';
import type { PickleValue, Storage, StorageReference } from './value.ts';

export function isZip(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 4)) === 'PK\x03\x04';
}

export async function readZip(source: ByteSource): Promise<PickleValue> {
  const members = await membersOf(source);
  const names = [...members.keys()];
  const pickle = names.find((name) => /^[^/]*\/?data\.pkl$/.test(name));
  if (pickle === undefined) {
    const script = names.some((name) => /(^|\/)(constants\.pkl|code\/)/.test(name));
    throw new OmmaError(
      script
        ? 'it is a TorchScript program, not weights; save its state_dict()'
        : 'the archive holds no data.pkl',
    );
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = members.get(`${folder}byteorder`);
  if (order !== undefined) {
    const text = latin1(await order.read());
    if (text !== 'little')
      throw new OmmaError(`its numbers are in ${text.slice(0, 20)}-endian order; save it on another machine`);
  }
  const storages = new Map<string, Storage>();
  const storageOf = (reference: StorageReference): Storage => {
    const known = storages.get(reference.key);
    if (known !== undefined) return known;
    const { key, dtype, elements } = reference;
    const data = members.get(`${folder}data/${key}`);
    if (data === undefined) throw new OmmaError(`the archive holds no numbers for storage ${key}`);
    if (data.size !== elements * fileByteSize(dtype))
      throw new OmmaError(
        `storage ${key} should have ${elements * fileByteSize(dtype)} bytes but has ${data.size}`,
      );
    const storage = { dtype, size: data.size, read: data.read };
    storages.set(key, storage);
    return storage;
  };
  const program = await members.get(pickle)?.read();
  return readPickle(
    new ByteReader(program ?? new Uint8Array()),
    torchHost({ storage: storageOf, persistent: storageReference }),
  );
}

/** A file within the archive. */
interface Member {
  readonly size: number;
  read(): Promise<Uint8Array>;
}

/** PyTorch stores without compression, so an archive that grows much is not of its making; a storage may be as large as it likes. */
const limits = { largestFile: Number.POSITIVE_INFINITY, maxGrowth: 16 };

async function membersOf(source: ByteSource): Promise<Map<string, Member>> {
  // Several tensors that look at one storage are read one after the other.
  let latest: { member: ZipMember; bytes: Promise<Uint8Array> } | null = null;
  const members = await zipDirectory(source, limits);
  return new Map(
    members.map((member) => [
      member.name,
      {
        size: member.size,
        read() {
          if (latest?.member !== member) latest = { member, bytes: contents(source, member) };
          return latest.bytes;
        },
      },
    ]),
  );
}

/** A member's bytes, held against their CRC-32; PyTorch writes 0 where it was told to leave that out (`set_crc32_options`). */
async function contents(source: ByteSource, member: ZipMember): Promise<Uint8Array> {
  const { name, headerAt } = member;
  const { crc32, ...unchecked } = member.place(await source.read(headerAt, zipHeaderBytes));
  const entry = crc32 === undefined || crc32 === 0 ? unchecked : { ...unchecked, crc32 };
  return readEntry(source, entry, name);
}
