/** ONNX files: imported and traced; damaged as protocol buffers, field by field, the lengths around them put right. */

import {
  avgPool2d,
  concat,
  expand,
  matmul,
  max,
  pad,
  reshape,
  resize,
  sigmoid,
  slice,
  softmax,
  split,
  sum,
  type Tensor,
  trace,
  transpose,
} from '@omma/core';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  initialize,
  Linear,
  MaxPool2d,
  ReLU,
  Sequential,
} from '@omma/nn';
import { exportOnnx, importOnnx } from '@omma/onnx';
import { damagedBytes, joined } from '../bytes.ts';
import { type Dice, edges } from '../dice.ts';
import type { Target } from '../target.ts';

let seeds: Promise<Uint8Array[]> | null = null;

const image = { shape: [1, 3, 8, 8], dtype: 'float32' } as const;

async function makeSeeds(): Promise<Uint8Array[]> {
  const models = [
    new Sequential(
      new Conv2d(3, 4, 3, { padding: 1 }),
      new BatchNorm2d(4),
      new ReLU(),
      new MaxPool2d({ kernel: 2 }),
      new Flatten(),
      new Linear(64, 3),
    ).eval(),
    new Sequential(
      new Conv2d(3, 6, 3, { stride: 2, groups: 3 }),
      new ReLU(),
      new Dropout(0.5),
      new Flatten(),
      new Linear(54, 2),
    ).eval(),
  ];
  const many = trace(({ image: x }) => (x === undefined ? {} : manyOperators(x)), { image });
  const written = await Promise.all(
    models.map(async (model, i) => {
      await initialize(model, i);
      const graph = trace(({ image: x }) => (x === undefined ? {} : { logits: model.call(x) }), { image });
      const variables = [...model.namedParameters(), ...model.namedBuffers()];
      const weights = await Promise.all(
        variables.map(async ([name, variable]) => [name, await variable.download()] as const),
      );
      return exportOnnx(graph, { weights: Object.fromEntries(weights) });
    }),
  );
  return [...written, exportOnnx(many, { weights: {} })];
}

/** A graph of what models are made of beside layers. */
function manyOperators(x: Tensor): Record<string, Tensor> {
  const cut = slice(x, { starts: [1, 2], ends: [7, 8], steps: [1, 2], axes: [2, 3] });
  const padded = pad(cut, {
    pads: [
      [0, 0],
      [0, 0],
      [1, 1],
      [2, 3],
    ],
    value: 0.5,
  });
  const larger = resize(padded, { size: [16, 16], mode: 'bilinear' });
  const [left, right] = split(larger, [8, 8], 3);
  const joined = concat([left ?? x, right ?? x], 1);
  const flat = reshape(transpose(joined, [0, 2, 3, 1]), [64, 12]);
  const square = matmul(flat, transpose(flat));
  const shares = softmax(square, 1);
  return {
    shares,
    most: max(shares, { axes: [1], keepDims: true }),
    sum: sum(square.sub(1).abs().sqrt(), { axes: [0] }),
    wide: expand(reshape(sigmoid(cut), [1, 3, 18]), [4, 3, 18]),
    pooled: avgPool2d(x, { kernel: 2 }),
  };
}

/** A field of a message on the wire: number, wire type, and its bytes (of wire type 2: without the length). */
interface Field {
  readonly number: number;
  readonly wire: number;
  readonly bytes: Uint8Array;
}

function varint(bytes: Uint8Array, at: number): { value: number; end: number } | null {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  return null;
}

function encodedVarint(value: number): Uint8Array {
  let left = BigInt.asUintN(64, BigInt(Math.trunc(value)));
  const bytes: number[] = [];
  do {
    const low = Number(left & 0x7fn);
    left >>= 7n;
    bytes.push(left > 0n ? low | 0x80 : low);
  } while (left > 0n);
  return Uint8Array.from(bytes);
}

/** The fields of a message; null where the bytes are none. */
function fieldsOf(bytes: Uint8Array): Field[] | null {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = varint(bytes, at);
    if (tag === null || tag.value < 8) return null;
    const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8];
    const length = wire === 2 ? varint(bytes, tag.end) : null;
    const begin = length?.end ?? tag.end;
    const scalar =
      wire === 0 ? varint(bytes, begin)?.end : wire === 1 ? begin + 8 : wire === 5 ? begin + 4 : undefined;
    const end = length === null ? scalar : begin + length.value;
    if (end === undefined || end > bytes.length) return null;
    fields.push({ number, wire, bytes: bytes.subarray(begin, end) });
    at = end;
  }
  return fields;
}

function encoded(fields: readonly Field[]): Uint8Array {
  return joined(
    ...fields.flatMap(({ number, wire, bytes }) => [
      encodedVarint(number * 8 + wire),
      ...(wire === 2 ? [encodedVarint(bytes.length)] : []),
      bytes,
    ]),
  );
}

/** One field somewhere in the tree of messages is changed. */
function damagedMessage(bytes: Uint8Array, dice: Dice, depth = 0): Uint8Array {
  const fields = fieldsOf(bytes);
  if (fields === null || fields.length === 0 || depth > 8)
    return damagedBytes(bytes.length > 0 ? bytes : Uint8Array.of(0), dice, bytes);
  const at = dice.below(fields.length);
  const field = fields[at];
  if (field === undefined) return bytes;
  if (field.wire === 2 && field.bytes.length > 0 && dice.chance(0.8))
    return encoded(fields.with(at, { ...field, bytes: damagedMessage(field.bytes, dice, depth + 1) }));
  switch (dice.below(5)) {
    case 0:
      return encoded(fields.toSpliced(at, 1));
    case 1:
      return encoded(
        fields.toSpliced(at, 0, ...Array.from({ length: dice.chance(0.9) ? 1 : 50 }, () => field)),
      );
    case 2:
      return encoded(fields.toSpliced(dice.below(fields.length), 0, field).toSpliced(at, 1));
    case 3:
      return encoded(fields.with(at, { ...field, number: 1 + dice.below(30) }));
    default:
      return encoded(
        fields.with(
          at,
          field.wire === 0
            ? { ...field, bytes: encodedVarint(dice.pick(edges)) }
            : { ...field, bytes: damagedBytes(field.bytes, dice, bytes) },
        ),
      );
  }
}

export const onnx: Target = {
  name: 'onnx',
  seeds() {
    seeds ??= makeSeeds();
    return seeds;
  },
  damage(seed, dice, other) {
    if (dice.chance(0.2)) return damagedBytes(seed, dice, other);
    let result = damagedMessage(seed, dice);
    while (dice.chance(0.4)) result = damagedMessage(result, dice);
    return result;
  },
  async run(bytes) {
    const model = importOnnx(bytes);
    trace(
      ({ image: x }) => {
        const outputs = x === undefined ? [] : model.call(x);
        return Object.fromEntries(outputs.map((output, i) => [`out${i}`, output]));
      },
      { image },
    );
  },
};
