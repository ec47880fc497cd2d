/** PyTorch files: zip archives, the formats of before 1.6, and the pickles in them, damaged opcode by opcode. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { hostTensor } from '@omma/core';
import {
  describeValue,
  loadTensor,
  readPyTorch,
  stateDictOf,
  storedTensor,
  tensorsOf,
  writePyTorchFile,
} from '@omma/engine';
import { memorySource } from '@omma/storage';
import { damagedBytes, joined } from '../bytes.ts';
import { type Dice, edges } from '../dice.ts';
import { damagedTar, tarOf } from '../tar.ts';
import type { Target } from '../target.ts';

async function read(bytes: Uint8Array): Promise<void> {
  const value = await readPyTorch(memorySource(bytes));
  JSON.stringify(describeValue(value));
  tensorsOf(value);
  for (const [name, tensor] of stateDictOf(value)) await loadTensor(name, tensor);
}

let seeds: Promise<Uint8Array[]> | null = null;

async function makeSeeds(): Promise<Uint8Array[]> {
  const folder = await mkdtemp(join(tmpdir(), 'omma-fuzz-'));
  try {
    const small = storedTensor(hostTensor([2, 2], 'float32', Float32Array.of(1, 2, 3, 4)));
    const half = storedTensor(hostTensor([3], 'float16', Uint16Array.of(1, 2, 3)));
    const unsigned = storedTensor(hostTensor([2], 'uint32', Uint32Array.of(1, 2)));
    const state = new Map([
      ['module.w', small],
      ['module.b', half],
      ['module.u', unsigned],
    ]);
    const meta = { epoch: 3, text: 'ü', list: [1, -2, 2 ** 40, 0.5, null, true], nested: { a: { b: 'c' } } };
    const path = join(folder, 'a.pth');
    await writePyTorchFile(path, { meta, state_dict: state, ema_state_dict: state });
    const zip = new Uint8Array(await readFile(path));
    await writePyTorchFile(path, state);
    const plain = new Uint8Array(await readFile(path));
    return [zip, plain, legacy(), tar()];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const text = (value: string) => Buffer.from(value, 'latin1');
const word = (value: string) => Buffer.concat([Buffer.of(0x58, value.length, 0, 0, 0), text(value)]);
const floatTensor = (key: Buffer) =>
  Buffer.concat([
    text('ctorch._utils\n_rebuild_tensor_v2\n(('),
    word('storage'),
    text('ctorch\nFloatStorage\n'),
    key,
    word('cpu'),
    Buffer.of(0x4b, 4, 0x4e, 0x74, 0x51, 0x4b, 0, 0x4b, 2, 0x4b, 2, 0x86, 0x4b, 2, 0x4b, 1, 0x86, 0x89),
    text('ccollections\nOrderedDict\n)RtR'),
  ]);
const fourFloats = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
const four = Buffer.of(4, 0, 0, 0, 0, 0, 0, 0);

/** The format of PyTorch 0.4 to 1.5. */
function legacy(): Uint8Array {
  const magic = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');
  const protocol = Buffer.from('80024de9032e', 'hex');
  const system = Buffer.from('80027d2e', 'hex');
  const object = Buffer.concat([text('\x80\x02}'), word('w'), floatTensor(word('7')), text('s.')]);
  const keys = Buffer.concat([text('\x80\x02]'), word('7'), text('a.')]);
  return joined(magic, protocol, system, object, keys, four, fourFloats);
}

/** The format of before 0.4. */
function tar(): Uint8Array {
  const storages = joined(
    Buffer.from('80024b012e', 'hex'),
    Buffer.concat([text('\x80\x02('), word('7'), word('cpu'), text('ctorch\nFloatStorage\nt.')]),
    four,
    fourFloats,
    Buffer.from('80025d2e', 'hex'),
  );
  const numbers = [2, 2, 2, 1, 0].map((value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt8(value);
    return bytes;
  });
  const tensors = joined(
    Buffer.from('80024b012e', 'hex'),
    Buffer.concat([text('\x80\x02('), word('3'), word('7'), text('ctorch\nFloatTensor\nt.')]),
    Buffer.of(2, 0, 0, 0, 0, 0, 0, 0),
    ...numbers,
  );
  const pickle = Buffer.concat([text('\x80\x02}'), word('w'), word('3'), text('Qs.')]);
  return tarOf([
    { name: 'storages', bytes: storages },
    { name: 'tensors', bytes: tensors },
    { name: 'pickle', bytes: pickle },
  ]);
}

/** Pieces of programs for the stack machine: what an attacker would write, and what makes it work hard. */
const snippets: readonly Buffer[] = [
  ...[
    'os\nsystem',
    'builtins\neval',
    'builtins\ngetattr',
    'torch\nFloatStorage',
    'torch.storage\nUntypedStorage',
    'torch\nuint32',
    'collections\nOrderedDict',
    'torch._utils\n_rebuild_tensor_v2',
    'torch._utils\n_rebuild_tensor_v3',
    'torch._utils\n_rebuild_parameter',
    'numpy.core.multiarray\nscalar',
    'numpy\ndtype',
    '_codecs\nencode',
    'builtins\nset',
    'collections\ndefaultdict',
    '__proto__\nconstructor',
    'torch\nconstructor',
  ].map((name) => text(`c${name}\n`)),
  ...[
    '(',
    ')',
    ']',
    '}',
    'N',
    '2',
    '0',
    '1',
    't',
    'R',
    'b',
    's',
    'u',
    'a',
    'e',
    'Q',
    '.',
    '\x81',
    '\x85',
    '\x86',
    '\x87',
    '\x88',
    '\x8f',
    '\x90',
    '\x91',
    '\x93',
    '\x94',
    'h\x00',
    'q\x00',
    'j\x00\x00\x00\x00',
    'p5\n',
    'g5\n',
    'I7\n',
    'I01\n',
    "S'x'\n",
    'V\u00fc\n',
    'F1e999\n',
    'L99999999999999999999L\n',
    'K\xff',
    'J\xff\xff\xff\xff',
    'U\x03abc',
    'B\x02\x00\x00\x00ab',
    '\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x01',
    '\x95\xff\xff\xff\xff\xff\xff\xff\xff',
  ].map(text),
  // A list of a list of a list, each twice: grows without bound when it is walked as a tree.
  text(`${']'}${'2(2e0'.repeat(3)}`),
  text(`]q\x01${'(h\x01h\x01lq\x01'.repeat(30)}`),
  text(`}q\x02${'(K\x01h\x02K\x02h\x02dq\x02'.repeat(30)}`),
];

/** Program pieces dropped, doubled and put between the bytes of a pickle. */
function damagedPickle(pickle: Uint8Array, dice: Dice): Uint8Array {
  let result = pickle;
  for (let left = 1 + dice.below(4); left > 0; left--) {
    const at = dice.below(result.length + 1);
    const piece = dice.pick(snippets);
    result = dice.chance(0.4)
      ? damagedBytes(result, dice, piece)
      : joined(
          result.subarray(0, at),
          ...Array.from({ length: dice.chance(0.95) ? 1 : 1000 }, () => piece),
          result.subarray(at),
        );
  }
  return result;
}

const damagedMembers = (bytes: Uint8Array, dice: Dice) => damagedTar(bytes, dice, damagedPickle);

const textLatin = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** A zip file with its pickle damaged and its sizes and checksum put right, so that the damage is reached. */
function zipWith(bytes: Uint8Array, dice: Dice): Uint8Array {
  const whole = textLatin(bytes);
  const nameAt = whole.indexOf('archive/data.pkl');
  const entryAt = whole.indexOf(Buffer.from('504b0102', 'hex'));
  const endAt = whole.lastIndexOf(Buffer.from('504b0506', 'hex'));
  if (nameAt < 30 || entryAt < 0 || endAt < 0) return damagedBytes(bytes, dice, bytes);
  const size = whole.readUInt32LE(nameAt - 30 + 18);
  const dataAt = nameAt + whole.readUInt16LE(nameAt - 4) + whole.readUInt16LE(nameAt - 2);
  const pickle = damagedPickle(bytes.subarray(dataAt, dataAt + size), dice);
  const shift = pickle.length - size;
  const result = textLatin(joined(bytes.subarray(0, dataAt), pickle, bytes.subarray(dataAt + size)));
  const entry = entryAt + shift;
  for (const at of [nameAt - 30 + 14, entry + 16]) {
    result.writeUInt32LE(crc32(pickle), at);
    result.writeUInt32LE(pickle.length, at + 4);
    result.writeUInt32LE(pickle.length, at + 8);
  }
  for (let at = entry; at < endAt + shift; ) {
    const offset = result.readUInt32LE(at + 42);
    if (offset > 0) result.writeUInt32LE(offset + shift, at + 42);
    at += 46 + result.readUInt16LE(at + 28) + result.readUInt16LE(at + 30);
  }
  result.writeUInt32LE(entry, endAt + shift + 16);
  if (dice.chance(0.2)) {
    const at = dice.pick([
      entry + 20,
      entry + 24,
      entry + 42,
      entry + 10,
      endAt + shift + 10,
      endAt + shift + 16,
      nameAt - 2,
    ]);
    result.writeUInt32LE(dice.pick(edges) >>> 0, Math.min(at, result.length - 4));
  }
  return result;
}

export const pytorch: Target = {
  name: 'pytorch',
  seeds() {
    seeds ??= makeSeeds();
    return seeds;
  },
  damage(seed, dice, other) {
    const zipped = seed[0] === 0x50;
    if (zipped) return dice.chance(0.75) ? zipWith(seed, dice) : damagedBytes(seed, dice, other);
    // A pickle begins with its protocol; the member of a tar archive with its name.
    const whole = seed[0] === 0x80 ? damagedPickle : damagedMembers;
    return dice.chance(0.7) ? whole(seed, dice) : damagedBytes(seed, dice, other);
  },
  run: read,
};
