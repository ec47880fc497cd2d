import { hostTensor, OmmaError } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { HostRandom, readSafetensors, toHostTensor, writeSafetensors } from '../src/index.ts';

/** A file from a header (any JSON) and data. */
function fileOf(header: unknown, data: readonly number[] = [], claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

const entry = (dtype: unknown, shape: unknown, begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('a safetensors file', () => {
  it('gives back what was written, of every dtype', () => {
    const tensors = {
      'b.weight': hostTensor([2, 2], 'float32', Float32Array.of(1, -2, 0.5, Number.POSITIVE_INFINITY)),
      half: hostTensor([2], 'float16', Uint16Array.of(0x3c00, 0xc000)),
      brain: hostTensor([2], 'bfloat16', Uint16Array.of(0x3f80, 0xbf80)),
      ints: hostTensor([3], 'int32', Int32Array.of(1, -1, 2 ** 31 - 1)),
      words: hostTensor([2], 'uint32', Uint32Array.of(0, 0xffffffff)),
      bytes: hostTensor([3], 'uint8', Uint8Array.of(1, 2, 255)),
      flags: hostTensor([2], 'bool', Uint8Array.of(0, 1)),
      scalar: hostTensor([], 'float32', Float32Array.of(3)),
      empty: hostTensor([0, 4], 'float32', new Float32Array()),
    };
    const file = readSafetensors(writeSafetensors(tensors, { note: 'Grüße' }));
    expect(file.metadata).toEqual({ note: 'Grüße' });
    const back = Object.fromEntries(
      [...file.tensors].map(([name, tensor]) => [name, toHostTensor(name, tensor)]),
    );
    expect(back).toEqual(tensors);
  });

  it('does not depend on the order in which tensors are given', () => {
    const a = hostTensor([1], 'float32', Float32Array.of(1));
    const b = hostTensor([1], 'uint8', Uint8Array.of(2));
    expect(writeSafetensors({ a, b })).toEqual(writeSafetensors({ b, a }));
  });

  it('starts its data at a multiple of eight bytes', () => {
    const file = writeSafetensors({ a: hostTensor([1], 'float32', Float32Array.of(1)) });
    expect((file.length - 4) % 8).toBe(0);
  });

  it('gives dtypes that Omma lacks as the nearest it has', () => {
    const f64 = fileOf({ x: entry('F64', [1], 0, 8) }, [...new Uint8Array(Float64Array.of(1.5).buffer)]);
    const i64 = fileOf({ x: entry('I64', [2], 0, 16) }, [
      ...new Uint8Array(BigInt64Array.of(-3n, 7n).buffer),
    ]);
    const i16 = fileOf({ x: entry('I16', [1], 0, 2) }, [0xff, 0xff]);
    const e4m3 = fileOf({ x: entry('F8_E4M3', [3], 0, 3) }, [0x38, 0x7e, 0x01]);
    const e5m2 = fileOf({ x: entry('F8_E5M2', [2], 0, 2) }, [0x3c, 0xfc]);
    const numbers = (file: Uint8Array) =>
      [...readSafetensors(file).tensors].map(([name, tensor]) => [...toHostTensor(name, tensor).data])[0];
    expect(numbers(f64)).toEqual([1.5]);
    expect(numbers(i64)).toEqual([-3, 7]);
    expect(numbers(i16)).toEqual([-1]);
    expect(numbers(e4m3)).toEqual([1, 448, 2 ** -9]);
    expect(numbers(e5m2)).toEqual([1, Number.NEGATIVE_INFINITY]);
  });

  it('refuses 64-bit integers that do not fit', () => {
    const file = fileOf({ x: entry('I64', [1], 0, 8) }, [
      ...new Uint8Array(BigInt64Array.of(2n ** 40n).buffer),
    ]);
    const [tensor] = readSafetensors(file).tensors.values();
    expect(() => tensor && toHostTensor('x', tensor)).toThrow(
      /x holds 1099511627776, which does not fit int32/,
    );
  });

  const refused: [string, Uint8Array, RegExp][] = [
    ['is shorter than the length', Uint8Array.of(1, 2, 3), /has 3 bytes/],
    ['claims a giant header', fileOf({}, [], 2n ** 60n), /at most 100000000 are allowed/],
    ['claims more header than there is', fileOf({}, [], 50n), /has only 10/],
    ['has a header that is not JSON', fileOf('{"x": '), /not JSON/],
    ['has a header that is not UTF-8', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff), /not JSON/],
    ['has a list for a header', fileOf([]), /not a JSON object/],
    ['has an entry that is no object', fileOf({ x: 3 }), /entry of x is not an object/],
    ['has an unknown dtype', fileOf({ x: entry('F31', [1], 0, 4) }, [0, 0, 0, 0]), /x has dtype "F31"/],
    [
      'has a dtype from a prototype',
      fileOf({ x: entry('constructor', [1], 0, 4) }, [0, 0, 0, 0]),
      /x has dtype/,
    ],
    ['has a negative extent', fileOf({ x: entry('F32', [-1], 0, 4) }, [0, 0, 0, 0]), /x has shape \[-1\]/],
    ['has a fractional extent', fileOf({ x: entry('F32', [0.5], 0, 2) }, [0, 0]), /x has shape \[0.5\]/],
    ['has an extent beyond exact integers', fileOf({ x: entry('U8', [1e300], 0, 1) }, [0]), /x has shape/],
    [
      'has a shape whose product overflows',
      fileOf({ x: entry('U8', [2 ** 40, 2 ** 40], 0, 1) }, [0]),
      /takes .* bytes, but has 1/,
    ],
    [
      'has three offsets',
      fileOf({ x: { dtype: 'U8', shape: [1], data_offsets: [0, 1, 2] } }, [0]),
      /data_offsets/,
    ],
    ['has reversed offsets', fileOf({ x: entry('U8', [1], 1, 0) }, [0]), /lies at bytes 1 to 0/],
    [
      'points beyond its end',
      fileOf({ x: entry('U8', [2], 0, 2) }, [0]),
      /lies at bytes 0 to 2 but the data has 1/,
    ],
    [
      'has a size that does not fit its shape',
      fileOf({ x: entry('F32', [1], 0, 3) }, [0, 0, 0]),
      /takes 4 bytes, but has 3/,
    ],
    [
      'has overlapping tensors',
      fileOf({ x: entry('U8', [2], 0, 2), y: entry('U8', [2], 1, 3) }, [0, 0, 0]),
      /y overlaps/,
    ],
    [
      'has a hole',
      fileOf({ x: entry('U8', [1], 0, 1), y: entry('U8', [1], 2, 3) }, [0, 0, 0]),
      /hole of 1 bytes before y/,
    ],
    [
      'has bytes after the last tensor',
      fileOf({ x: entry('U8', [1], 0, 1) }, [0, 0]),
      /end at byte 1 but the data has 2/,
    ],
    ['has metadata that is no text', fileOf({ __metadata__: { a: 1 } }), /__metadata__.a is not a string/],
  ];
  it.each(refused)('is refused when it %s', (_, file, message) => {
    expect(() => readSafetensors(file)).toThrow(OmmaError);
    expect(() => readSafetensors(file)).toThrow(message);
  });

  it('never crashes the reader, whatever byte is changed or cut', () => {
    const good = writeSafetensors({
      a: hostTensor([2, 3], 'float32', new Float32Array(6)),
      b: hostTensor([5], 'uint8', new Uint8Array(5)),
    });
    const random = new HostRandom(1, 2).uniform(2000);
    for (let i = 0; i < 1000; i++) {
      const cut = good.slice(0, i % 3 === 0 ? Math.floor((random[i] ?? 0) * good.length) : good.length);
      if (cut.length > 0)
        cut[Math.floor((random[1000 + i] ?? 0) * cut.length)] = Math.floor((random[i] ?? 0) * 256);
      try {
        for (const [name, tensor] of readSafetensors(cut).tensors) toHostTensor(name, tensor);
      } catch (error) {
        expect(error).toBeInstanceOf(OmmaError);
      }
    }
  });
});
