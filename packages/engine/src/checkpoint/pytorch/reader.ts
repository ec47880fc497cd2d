/** Walks through bytes of a file that is not trusted: each read is checked against what is left. */

import { OmmaError } from '@omma/core';

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  position = 0;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  #advance(count: number): number {
    const start = this.position;
    if (!(count >= 0 && count <= this.bytes.length - start))
      throw new OmmaError(
        `the file ends at byte ${this.bytes.length}, within ${count} bytes that begin at ${start}`,
      );
    this.position = start + count;
    return start;
  }

  take(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.bytes.subarray(start, start + count);
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** A 64-bit count that must be a number of bytes, elements or extents. */
  size64(): number {
    const value = this.#view.getBigInt64(this.#advance(8), true);
    if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw new OmmaError(`a size is ${value}`);
    return Number(value);
  }

  float64BigEndian(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** Text up to the next line feed. */
  line(): string {
    const end = this.bytes.indexOf(10, this.position);
    if (end < 0) throw new OmmaError(`the line that begins at byte ${this.position} has no end`);
    const text = latin1(this.take(end - this.position));
    this.position = end + 1;
    return text;
  }
}

export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
