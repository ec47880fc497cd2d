/**
 * The header of a safetensors file: which tensors there are and where their numbers lie.
 *
 * A file may come from anywhere, so nothing in it is trusted: sizes, bounds, overlaps and dtypes are checked before anything is
 * allocated. Writing is deterministic: widest dtype first, then by name, as the format's own library does.
 */

import { OmmaError } from '@omma/core';
import { type FileDType, fileByteSize, fileDTypes, isFileDType } from './dtypes.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

/** The format's own limit. */
const maxHeaderBytes = 100_000_000;

/** Bytes before the header's JSON: its length. */
export const lengthBytes = 8;

/** What a tensor of a file is, without its numbers. */
export interface FileTensorType {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
}

/** A tensor's place: bytes `begin` to `end`, counted from the end of the header. */
export interface Placed extends FileTensorType {
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** By name, in the order of their places. */
  readonly tensors: ReadonlyMap<string, Placed>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes that a tensor takes. */
export function fileTensorBytes({ dtype, shape }: FileTensorType): number {
  return shape.reduce((product, extent) => product * extent, fileByteSize(dtype));
}

/** The header of a file of `tensors`, its length included, and the places of their numbers. */
export function layoutSafetensors(
  tensors: Readonly<Record<string, FileTensorType>>,
  metadata: Readonly<Record<string, string>> = {},
): { bytes: Uint8Array; tensors: ReadonlyMap<string, Placed> } {
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
  const entries = Object.entries(tensors).sort(
    (a, b) => fileByteSize(b[1].dtype) - fileByteSize(a[1].dtype) || byName(a, b),
  );
  let offset = 0;
  const placed = entries.map(([name, { dtype, shape }]): [string, Placed] => {
    const begin = offset;
    offset += fileTensorBytes({ dtype, shape });
    return [name, { dtype, shape, begin, end: offset }];
  });
  const described = placed.map(([name, { dtype, shape, begin, end }]) => [
    name,
    { dtype, shape, data_offsets: [begin, end] },
  ]);
  const notes = Object.entries(metadata).sort(byName);
  const header = Object.fromEntries([
    ...(notes.length > 0 ? [['__metadata__', Object.fromEntries(notes)]] : []),
    ...described,
  ]);
  const text = utf8Encode(JSON.stringify(header));
  const bytes = new Uint8Array(lengthBytes + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - lengthBytes), true);
  bytes.set(text, lengthBytes);
  return { bytes, tensors: new Map(placed) };
}

/** How many bytes of JSON follow the first eight of a file of `fileBytes`. */
export function safetensorsHeaderLength(start: Uint8Array, fileBytes: number): number {
  if (start.length < lengthBytes)
    fail(`the file has ${fileBytes} bytes but the header's length alone takes 8`);
  const length = new DataView(start.buffer, start.byteOffset, start.byteLength).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes))
    fail(`the header claims ${length} bytes but at most ${maxHeaderBytes} are allowed`);
  if (lengthBytes + Number(length) > fileBytes)
    fail(`the header claims ${length} bytes but the file has only ${fileBytes}`);
  return Number(length);
}

/** The header from its JSON; `dataBytes` follow it in the file. */
export function parseSafetensorsHeader(json: Uint8Array, dataBytes: number): SafetensorsHeader {
  let header: unknown;
  try {
    header = JSON.parse(utf8Decode(json));
  } catch {
    fail('the header is not JSON');
  }
  if (!isRecord(header)) fail('the header is not a JSON object');
  const { __metadata__: metadata, ...entries } = header;
  const placed = Object.entries(entries).map(([name, value]): [string, Placed] => [
    name,
    readEntry(name, value, dataBytes),
  ]);
  placed.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkCoverage(placed, dataBytes);
  return { tensors: new Map(placed), metadata: readMetadata(metadata) };
}

function readEntry(name: string, entry: unknown, dataBytes: number): Placed {
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
  const needed = fileTensorBytes({ dtype, shape });
  if (needed !== end - begin) {
    fail(`${name} is ${dtype} [${shape.join(', ')}], which takes ${needed} bytes, but has ${end - begin}`);
  }
  return { dtype, shape, begin, end };
}

/** Tensors must fill the data exactly: no overlap, no hole. */
function checkCoverage(placed: readonly (readonly [string, Placed])[], dataBytes: number): void {
  let covered = 0;
  for (const [name, { begin, end }] of placed) {
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
  const shown = problem.length > 400 ? `${problem.slice(0, 400)}...` : problem;
  throw new OmmaError(`safetensors: ${shown}; the file is damaged or is not a safetensors file`);
}
