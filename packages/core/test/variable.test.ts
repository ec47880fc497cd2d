/** Variables between host and devices: what is left when a move fails. */

import { DeviceError, device, Variable } from '@omma/core';
import { expect, it } from 'vitest';
import { referenceUnder } from './support/referenceUnder.ts';

const reference = device('reference');

/** The reference device, with an upload that never works. */
const broken = referenceUnder('broken', {
  upload: () => Promise.reject(new DeviceError('broken: no upload')),
});

it('a variable whose numbers cannot be moved gives the buffer back and keeps them', async () => {
  const before = reference.memory().live;
  const variable = new Variable('v', { shape: [2], dtype: 'float32' }, Float32Array.of(1, 2));
  await expect(variable.bufferOn(broken)).rejects.toThrow(/no upload/);
  expect(reference.memory().live).toBe(before);
  expect([...(await variable.download()).data]).toEqual([1, 2]);
});
