/** Numbers asked for outside of `compile` are computed where compiling takes no time. */

import { type Device, device, eagerDevice, evaluate, registerDevice, tensor } from '@omma/core';
import { expect, it } from 'vitest';
import { referenceUnder } from './support/referenceUnder.ts';

let compiled = 0;

/** The reference device under another name, with a compiler that one would not want to wait for. */
function slow(): Device {
  const reference = device('reference');
  return referenceUnder('slow', {
    compile: (graph, options) => {
      compiled++;
      return reference.compile(graph, options);
    },
  });
}

it('the best device trains, and the best that is eager computes what is asked for at once', async () => {
  registerDevice({ name: 'slow', priority: 1000, eager: false, available: () => true, create: slow });
  expect(device('auto').name).toBe('slow');
  expect(eagerDevice().name).toBe('reference');
  expect([...(await tensor([1, 2]).add(1).data())]).toEqual([2, 3]);
  expect(compiled).toBe(0);
  const [sum] = await evaluate([tensor([1, 2]).sum()], 'slow');
  expect([sum?.data[0], compiled]).toEqual([3, 1]);
});
