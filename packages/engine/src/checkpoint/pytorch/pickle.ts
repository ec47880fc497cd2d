/**
 * Reads Python's pickle format, protocols 0 to 5, as data.
 *
 * A pickle is a program for a stack machine that may call any function of the process that reads it. This machine has no functions: it
 * builds lists, dicts and numbers; a class or function must be on the caller's list, and what a call of it means is decided by the
 * caller. Source: Lib/pickletools.py of Python, which documents each opcode.
 */

import { OmmaError } from '@omma/core';
import { type ByteReader, latin1 } from './reader.ts';
import { InertObject, type PickleValue, Tuple } from './value.ts';

export interface PickleHost {
  /** The value for a class or function, or a refusal by throwing. */
  global(module: string, name: string): PickleValue;
  /** What calling `callee` gives; it must not run anything that the file brought. */
  call(callee: PickleValue, args: readonly PickleValue[]): PickleValue;
  /** The value that lies outside of the pickle under `id`. */
  persistent(id: PickleValue): PickleValue;
}

/** Values on the stack between a MARK and what collects them. */
const mark = Symbol('mark');
type StackItem = PickleValue | typeof mark;

/** Reads one pickle from where `reader` stands, and leaves the reader behind it. */
export function readPickle(reader: ByteReader, host: PickleHost): PickleValue {
  return new Machine(reader, host).run();
}

class Machine {
  readonly #reader: ByteReader;
  readonly #host: PickleHost;
  readonly #stack: StackItem[] = [];
  readonly #memo = new Map<number, PickleValue>();

  constructor(reader: ByteReader, host: PickleHost) {
    this.#reader = reader;
    this.#host = host;
  }

  run(): PickleValue {
    for (;;) {
      const opcode = this.#reader.uint8();
      if (opcode === 0x2e) return this.#pop();
      const step = opcodes.get(opcode);
      if (step === undefined) {
        throw new OmmaError(
          `byte ${this.#reader.position - 1} is 0x${opcode.toString(16).padStart(2, '0')}, which is no opcode of a pickle`,
        );
      }
      step(this, this.#reader);
    }
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === mark)
      throw new OmmaError('the pickle takes a value from an empty stack');
    return value;
  }

  pop(): PickleValue {
    return this.#pop();
  }

  peek(): PickleValue {
    const value = this.#pop();
    this.push(value);
    return value;
  }

  mark(): void {
    this.#stack.push(mark);
  }

  /** All values above the last mark. */
  popToMark(): PickleValue[] {
    const start = this.#stack.lastIndexOf(mark);
    if (start < 0) throw new OmmaError('the pickle collects values without a mark before them');
    const values = this.#stack.splice(start).filter((item) => item !== mark);
    return values;
  }

  store(index: number): void {
    this.#memo.set(index, this.peek());
  }

  storeNext(): void {
    this.store(this.#memo.size);
  }

  load(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined)
      throw new OmmaError(`the pickle refers to value ${index}, which it has not stored`);
    this.push(value);
  }

  /** Bytes whose number the file gives. */
  bytes(count: number): Uint8Array {
    return this.#reader.take(count);
  }

  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.#pop()).reverse();
    this.push(new Tuple(items));
  }

  setItems(pairs: readonly PickleValue[]): void {
    const target = this.peek();
    if (!(target instanceof Map)) throw new OmmaError('the pickle sets items of something that is no dict');
    for (let i = 0; i + 1 < pairs.length; i += 2) target.set(pairs[i] ?? null, pairs[i + 1] ?? null);
  }

  append(items: readonly PickleValue[]): void {
    const target = this.peek();
    if (Array.isArray(target)) for (const item of items) target.push(item);
    else if (target instanceof Set) for (const item of items) target.add(item);
    else throw new OmmaError('the pickle appends to something that is no list');
  }

  /** Objects keep their state as data; a dict with attributes keeps its items. */
  build(): void {
    const state = this.#pop();
    const target = this.peek();
    if (target instanceof InertObject) target.state = state;
  }

  global(module: string, name: string): void {
    this.push(this.#host.global(module, name));
  }

  call(args: readonly PickleValue[]): void {
    this.push(this.#host.call(this.#pop(), args));
  }

  reduce(): void {
    const args = this.#pop();
    if (!(args instanceof Tuple)) throw new OmmaError('the pickle calls with something that is no tuple');
    this.call(args.items);
  }

  persistent(id: PickleValue): void {
    this.push(this.#host.persistent(id));
  }

  text(value: PickleValue): string {
    if (typeof value !== 'string')
      throw new OmmaError('the pickle names a class with something that is no text');
    return value;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: false });

/** A whole number: a bigint only where a number would not hold it. */
function integer(value: bigint): PickleValue {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;
}

/** Little-endian two's complement of any length. */
function longOf(bytes: Uint8Array): PickleValue {
  if (bytes.length > 64) throw new OmmaError(`the pickle holds an integer of ${bytes.length} bytes`);
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  const negative = ((bytes.at(-1) ?? 0) & 0x80) !== 0;
  return integer(negative ? value - (1n << BigInt(8 * bytes.length)) : value);
}

/** A number that protocol 0 writes as text. */
function textNumber(line: string): PickleValue {
  const digits = line.replace(/L$/, '');
  if (!/^-?\d{1,150}$/.test(digits))
    throw new OmmaError(`the pickle holds the integer ${JSON.stringify(line.slice(0, 40))}`);
  return integer(BigInt(digits));
}

/** Text of protocol 0 in quotes, with Python's simple escapes. */
function quoted(line: string): string {
  const inner = /^(['"])(.*)\1$/s.exec(line)?.[2];
  if (inner === undefined) throw new OmmaError('the pickle holds text without quotes');
  return inner.replace(/\\(x[0-9a-fA-F]{2}|[\\'"nrt])/g, (_, code: string) => {
    if (code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { n: '\n', r: '\r', t: '\t' }[code] ?? code;
  });
}

type Step = (machine: Machine, reader: ByteReader) => void;

const opcodes = new Map<number, Step>([
  // what frames the program
  [
    0x80,
    (_, r) => {
      if (r.uint8() > 5) throw new OmmaError('the pickle is of a protocol above 5');
    },
  ],
  [
    0x95,
    (_, r) => {
      r.size64();
    },
  ],
  // values
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [
    0x49,
    (m, r) => {
      const line = r.line();
      m.push(line === '00' || line === '01' ? line === '01' : textNumber(line));
    },
  ],
  [0x4c, (m, r) => m.push(textNumber(r.line()))],
  [0x46, (m, r) => m.push(Number(r.line()))],
  [0x47, (m, r) => m.push(r.float64BigEndian())],
  [0x4a, (m, r) => m.push(r.int32())],
  [0x4b, (m, r) => m.push(r.uint8())],
  [0x4d, (m, r) => m.push(r.uint16())],
  [0x8a, (m, r) => m.push(longOf(m.bytes(r.uint8())))],
  [0x8b, (m, r) => m.push(longOf(m.bytes(r.int32())))],
  [0x53, (m, r) => m.push(quoted(r.line()))],
  [0x56, (m, r) => m.push(r.line())],
  [0x54, (m, r) => m.push(latin1(m.bytes(r.int32())))],
  [0x55, (m, r) => m.push(latin1(m.bytes(r.uint8())))],
  [0x58, (m, r) => m.push(utf8.decode(m.bytes(r.uint32())))],
  [0x8c, (m, r) => m.push(utf8.decode(m.bytes(r.uint8())))],
  [0x8d, (m, r) => m.push(utf8.decode(m.bytes(r.size64())))],
  [0x42, (m, r) => m.push(m.bytes(r.uint32()))],
  [0x43, (m, r) => m.push(m.bytes(r.uint8()))],
  [0x8e, (m, r) => m.push(m.bytes(r.size64()))],
  [0x96, (m, r) => m.push(m.bytes(r.size64()))],
  // containers
  [0x28, (m) => m.mark()],
  [0x29, (m) => m.push(new Tuple([]))],
  [0x85, (m) => m.tuple(1)],
  [0x86, (m) => m.tuple(2)],
  [0x87, (m) => m.tuple(3)],
  [0x74, (m) => m.push(new Tuple(m.popToMark()))],
  [0x5d, (m) => m.push([])],
  [0x6c, (m) => m.push(m.popToMark())],
  [
    0x61,
    (m) => {
      const item = m.pop();
      m.append([item]);
    },
  ],
  [
    0x65,
    (m) => {
      const items = m.popToMark();
      m.append(items);
    },
  ],
  [0x7d, (m) => m.push(new Map())],
  [
    0x64,
    (m) => {
      const pairs = m.popToMark();
      m.push(new Map());
      m.setItems(pairs);
    },
  ],
  [
    0x73,
    (m) => {
      const value = m.pop();
      const key = m.pop();
      m.setItems([key, value]);
    },
  ],
  [
    0x75,
    (m) => {
      const pairs = m.popToMark();
      m.setItems(pairs);
    },
  ],
  [0x8f, (m) => m.push(new Set())],
  [
    0x90,
    (m) => {
      const items = m.popToMark();
      m.append(items);
    },
  ],
  [0x91, (m) => m.push(new Set(m.popToMark()))],
  // the stack and the memo
  [
    0x30,
    (m) => {
      m.pop();
    },
  ],
  [
    0x31,
    (m) => {
      m.popToMark();
    },
  ],
  [0x32, (m) => m.push(m.peek())],
  [0x70, (m, r) => m.store(Number(textNumber(r.line())))],
  [0x71, (m, r) => m.store(r.uint8())],
  [0x72, (m, r) => m.store(r.uint32())],
  [0x94, (m) => m.storeNext()],
  [0x67, (m, r) => m.load(Number(textNumber(r.line())))],
  [0x68, (m, r) => m.load(r.uint8())],
  [0x6a, (m, r) => m.load(r.uint32())],
  // classes, calls, what lies outside
  [
    0x63,
    (m, r) => {
      const module = r.line();
      m.global(module, r.line());
    },
  ],
  [
    0x93,
    (m) => {
      const name = m.text(m.pop());
      m.global(m.text(m.pop()), name);
    },
  ],
  [0x52, (m) => m.reduce()],
  [0x81, (m) => m.reduce()],
  [0x62, (m) => m.build()],
  [0x50, (m, r) => m.persistent(r.line())],
  [0x51, (m) => m.persistent(m.pop())],
]);
