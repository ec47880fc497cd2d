/**
 * Weight files: the safetensors format. Eight bytes of header length, a JSON header, then the raw little-endian numbers.
 *
 * A file may come from anywhere, so nothing in it is trusted: sizes, bounds, overlaps and dtypes are checked before anything is
 * allocated. Writing is deterministic: widest dtype first, then by name, as the format's own library does.
 */

import { type HostTensor, OmmaError } from '@omma/core';
import {
  type FileDType,
  type FileTensor,
  fileByteSize,
  fileDType,
  fileDTypes,
  isFileDType,
} from './dtypes.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

/** The format's own limit. */
const maxHeaderBytes = 100_000_000;
const lengthBytes = 8;

/** A file's tensors as views of its bytes, and its metadata. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, FileTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The pieces of a file in order: the header, then each tensor's bytes (views, not copies). */
export function encodeSafetensors(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const entries = Object.entries(tensors).sort(([nameA, a], [nameB, b]) => {
    const width = fileByteSize(fileDType(b.dtype)) - fileByteSize(fileDType(a.dtype));
    return width !== 0 ? width : nameA < nameB ? -1 : 1;
  });
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) {
    header.__metadata__ = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    header[name] = { dtype: fileDType(dtype), shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = utf8Encode(JSON.stringify(header));
  const padded = new Uint8Array(lengthBytes + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - lengthBytes), true);
  padded.set(text, lengthBytes);
  return [
    padded,
    ...entries.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

/** A whole file as one array of bytes. */
export function writeSafetensors(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = encodeSafetensors(tensors, metadata);
  const file = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    file.set(part, offset);
    offset += part.length;
  }
  return file;
}

/** Reads a file. Tensors are views of `file`; `toHostTensor` makes numbers of them. */
export function readSafetensors(file: Uint8Array): SafetensorsFile {
  const { header, dataStart } = readHeader(file);
  const dataBytes = file.length - dataStart;
  const tensors = new Map<string, FileTensor>();
  const ranges: Range[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, begin, end } = readEntry(name, value, dataBytes);
    ranges.push({ name, begin, end });
    tensors.set(name, { dtype, shape, bytes: file.subarray(dataStart + begin, dataStart + end) });
  }
  checkCoverage(ranges, dataBytes);
  return { tensors, metadata: readMetadata(header.__metadata__) };
}

interface Range {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

function readHeader(file: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (file.length < lengthBytes)
    fail(`the file has ${file.length} bytes but the header's length alone takes 8`);
  const length = new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes))
    fail(`the header claims ${length} bytes but at most ${maxHeaderBytes} are allowed`);
  const dataStart = lengthBytes + Number(length);
  if (dataStart > file.length) fail(`the header claims ${length} bytes but the file has only ${file.length}`);
  let header: unknown;
  try {
    header = JSON.parse(utf8Decode(file.subarray(lengthBytes, dataStart)));
  } catch {
    fail('the header is not JSON');
  }
  if (!isRecord(header)) fail('the header is not a JSON object');
  return { header, dataStart };
}

function readEntry(
  name: string,
  entry: unknown,
  dataBytes: number,
): Range & { dtype: FileDType; shape: number[] } {
  if (!isRecord(entry)) fail(`the entry of ${name} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !isFileDType(dtype)) {
    fail(`${name} has dtype ${JSON.stringify(dtype)} but expected is one of ${fileDTypes().join(', ')}`);
  }
  if (!isSizes(shape))
    fail(`${name} has shape ${JSON.stringify(shape)} but expected are non-negative integers`);
  if (!isSizes(offsets) || offsets.length !== 2) {
    fail(`${name} has data_offsets ${JSON.stringify(offsets)} but expected are two non-negative integers`);
  }
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > dataBytes)
    fail(`${name} lies at bytes ${begin} to ${end} but the data has ${dataBytes}`);
  const needed = shape.reduce((product, extent) => product * extent, fileByteSize(dtype));
  if (needed !== end - begin) {
    fail(`${name} is ${dtype} [${shape.join(', ')}], which takes ${needed} bytes, but has ${end - begin}`);
  }
  return { name, begin, end, dtype, shape };
}

/** Tensors must fill the data exactly: no overlap, no hole. */
function checkCoverage(ranges: readonly Range[], dataBytes: number): void {
  let covered = 0;
  for (const { name, begin, end } of ranges.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < covered) fail(`${name} overlaps the tensor before it at byte ${begin}`);
    if (begin > covered) fail(`there is a hole of ${begin - covered} bytes before ${name}`);
    covered = end;
  }
  if (covered !== dataBytes) fail(`the tensors end at byte ${covered} but the data has ${dataBytes}`);
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) fail('__metadata__ is not an object');
  return Object.fromEntries(
    Object.entries(value).map(([key, text]) => {
      if (typeof text !== 'string') fail(`__metadata__.${key} is not a string`);
      return [key, text];
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function fail(problem: string): never {
  throw new OmmaError(`safetensors: ${problem}; the file is damaged or is not a safetensors file`);
}
