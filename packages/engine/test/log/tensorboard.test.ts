/** Event files byte for byte as TensorBoard's own protocol buffers and record writer (tensorboard 2.20, Python) make them. */

import { describe, expect, it } from 'vitest';
import {
  imageEvent,
  scalarsEvent,
  startEvent,
  textEvent,
  versionEvent,
} from '../../src/log/tensorboard/events.ts';
import { crc32c, tfRecord } from '../../src/log/tensorboard/records.ts';

const time = 1_700_000_000_250;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('TensorBoard events have the bytes of the reference', () => {
  it('for the file version', () => {
    expect(hex(versionEvent(time))).toBe('0900001040fc54d9411a0d627261696e2e4576656e743a32');
  });

  it('for the start of a session', () => {
    expect(hex(startEvent(time, 101))).toBe('0900001040fc54d94110653a020801');
  });

  it('for scalars, NaN too', () => {
    expect(hex(scalarsEvent(time, 300, { 'train/loss': 0.1, 'train/lr': Number.NaN }))).toBe(
      '0900001040fc54d94110ac022a240a110a0a747261696e2f6c6f737315cdcccc3d0a0f0a08747261696e2f6c72150000c07f',
    );
  });

  it('for pictures', () => {
    const image = { width: 3, height: 2, bytes: Uint8Array.of(0x89, 0x50, 0x4e, 0x47) };
    expect(hex(imageEvent(time, 7, 'val/a', image))).toBe(
      '0900001040fc54d94110072a170a150a0576616c2f61220c080210031803220489504e47',
    );
  });

  it('for text', () => {
    expect(hex(textEvent(time, 7, 'config', 'größe'))).toBe(
      '0900001040fc54d94110072a290a270a06636f6e6669674211080712041202080142076772c3b6c39f654a0a0a060a04746578742002',
    );
  });
});

describe('TFRecord', () => {
  it("has CRC-32C's check value", () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });

  it('frames a record as the reference does', () => {
    const data = Uint8Array.from({ length: 40 }, (_, i) => i);
    expect(hex(tfRecord(data))).toBe(`2800000000000000ff70164a${hex(data)}75118983`);
  });
});
