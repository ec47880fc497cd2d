/**
 * Weight files: the safetensors format, in memory. Eight bytes of header length, a JSON header, then the raw little-endian numbers.
 *
 * What is on disk is read and written piece by piece by @omma/engine, with the same header.
 */

import type { HostTensor } from '@omma/core';
import { type FileTensor, fileDType } from './dtypes.ts';
import { layoutSafetensors, lengthBytes, parseSafetensorsHeader, safetensorsHeaderLength } from './header.ts';

/** A file's tensors as views of its bytes, and its metadata. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, FileTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A whole file as one array of bytes. */
export function writeSafetensors(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const files = Object.fromEntries(Object.entries(tensors).map(([name, host]) => [name, toFileTensor(host)]));
  const { bytes, tensors: placed } = layoutSafetensors(files, metadata);
  const data = [...placed.values()].at(-1)?.end ?? 0;
  const file = new Uint8Array(bytes.length + data);
  file.set(bytes);
  for (const [name, { begin }] of placed) {
    const tensor = files[name];
    if (tensor !== undefined) file.set(tensor.bytes, bytes.length + begin);
  }
  return file;
}

/** Reads a file. Tensors are views of `file`; `toHostTensor` makes numbers of them. */
export function readSafetensors(file: Uint8Array): SafetensorsFile {
  const length = safetensorsHeaderLength(file.subarray(0, lengthBytes), file.length);
  const data = file.subarray(lengthBytes + length);
  const header = parseSafetensorsHeader(file.subarray(lengthBytes, lengthBytes + length), data.length);
  const tensors = [...header.tensors].map(([name, { dtype, shape, begin, end }]): [string, FileTensor] => [
    name,
    { dtype, shape, bytes: data.subarray(begin, end) },
  ]);
  return { tensors: new Map(tensors), metadata: header.metadata };
}

/** Host numbers as a file's tensor: views, not copies. */
export function toFileTensor({ dtype, shape, data }: HostTensor): FileTensor {
  return {
    dtype: fileDType(dtype),
    shape,
    bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}
