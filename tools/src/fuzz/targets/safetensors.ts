/** Safetensors files, with and without the manifest and checksum of a checkpoint; their headers damaged as JSON. */

import { hostTensor } from '@omma/core';
import {
  loadTensor,
  manifestKey,
  modelNames,
  parseManifest,
  readSafetensorsFrom,
  verifySafetensors,
} from '@omma/engine';
import { lengthBytes, writeSafetensors } from '@omma/nn';
import { memorySource } from '@omma/storage';
import { damagedBytes, joined } from '../bytes.ts';
import { edges } from '../dice.ts';
import { damagedJson, type Json } from '../json.ts';
import type { Target } from '../target.ts';

const tensors = {
  w: hostTensor([2, 3], 'float32', new Float32Array(6)),
  'ema.w': hostTensor([2, 3], 'float32', new Float32Array(6)),
  h: hostTensor([4], 'float16', new Uint16Array(4)),
  n: hostTensor([], 'int32', Int32Array.of(7)),
  empty: hostTensor([0, 4], 'bfloat16', new Uint16Array()),
};

const manifest = {
  format: 2,
  version: '0.1.0',
  epoch: 1,
  iterationInEpoch: 0,
  iteration: 4,
  evaluationDue: false,
  seed: 0,
  hooks: { CheckpointHook: [{ metric: 'top1', value: 0.5, path: 'best.safetensors' }] },
  metrics: { top1: 0.5 },
  classes: ['a', 'b'],
  inputs: { image: { shape: [8, 8, 3], dtype: 'uint8' } },
  config: { model: { type: 'ImageClassifier' } },
};

function seeds(): Uint8Array[] {
  const text = JSON.stringify(manifest);
  return [
    writeSafetensors(tensors, { note: 'plain' }),
    writeSafetensors(tensors, { [manifestKey]: text }),
    writeSafetensors(tensors, { [manifestKey]: text, 'omma.sha256': '0'.repeat(64) }),
  ];
}

export const safetensors: Target = {
  name: 'safetensors',
  seeds: async () => seeds(),
  damage(seed, dice, other) {
    if (dice.chance(0.3)) return damagedBytes(seed, dice, other);
    const length = new DataView(seed.buffer, seed.byteOffset).getUint32(0, true);
    const header: Json = JSON.parse(
      new TextDecoder().decode(seed.subarray(lengthBytes, lengthBytes + length)),
    );
    const text = Buffer.from(JSON.stringify(withDamagedManifest(damagedJson(header, dice))));
    const size = Buffer.alloc(lengthBytes);
    size.writeBigUInt64LE(BigInt(dice.chance(0.9) ? text.length : Math.abs(dice.pick(edges))));
    return joined(size, text, seed.subarray(lengthBytes + length));

    /** Half of the manifests are damaged inside. */
    function withDamagedManifest(value: Json): Json {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
      const { __metadata__: metadata } = value;
      if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return value;
      const inner = metadata[manifestKey];
      if (typeof inner !== 'string' || dice.chance(0.5)) return value;
      const damaged = JSON.stringify(damagedJson(manifest, dice));
      return { ...value, __metadata__: { ...metadata, [manifestKey]: damaged } };
    }
  },
  async run(bytes) {
    const file = await readSafetensorsFrom(memorySource(bytes));
    const text = file.metadata[manifestKey];
    if (text !== undefined) parseManifest(text);
    modelNames([...file.tensors.keys()], 'auto');
    for (const [name, tensor] of file.tensors) await loadTensor(name, tensor);
    await verifySafetensors(file);
  },
};
