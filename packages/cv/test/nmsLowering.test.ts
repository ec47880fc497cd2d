/** Non-maximum suppression taken apart into ops of core, over several blocks of boxes, against its definition. */

import { compile, device, hostTensor } from '@omma/core';
import { HostRandom } from '@omma/nn';
import { expect, it } from 'vitest';
import { nms } from '../src/index.ts';
import { lowerNms } from '../src/ops/nmsLowering.ts';

/** Boxes in a small area, so that most overlap several others. */
function crowd(count: number, seed: number) {
  const numbers = new HostRandom(seed, 1).uniform(5 * count);
  const boxes = new Float32Array(4 * count);
  for (let i = 0; i < count; i++) {
    const [x = 0, y = 0, width = 0, height = 0] = numbers.subarray(5 * i);
    boxes.set([20 * x, 20 * y, 20 * x + 1 + 4 * width, 20 * y + 1 + 4 * height], 4 * i);
  }
  const scores = Float32Array.from({ length: count }, (_, i) => numbers[5 * i + 4] ?? 0);
  return {
    boxes: hostTensor([count, 4], 'float32', boxes),
    scores: hostTensor([count], 'float32', scores),
  };
}

it.each([1, 63, 64, 65, 200])('%i boxes are kept and dropped as its definition says', async (count) => {
  for (const [seed, iouThreshold] of [0.1, 0.3, 0.6].entries()) {
    const options = { iouThreshold, maxOutputs: count };
    const both = compile(
      ({ boxes, scores }) => {
        if (boxes === undefined || scores === undefined) throw new Error('an input is missing');
        const wanted = nms(boxes, scores, options);
        const [indices, kept] = lowerNms(boxes, scores, options);
        if (indices === undefined || kept === undefined) throw new Error('an output is missing');
        return { indices, kept, wantedIndices: wanted.indices, wantedKept: wanted.count };
      },
      { device: device('reference') },
    );
    const { indices, kept, wantedIndices, wantedKept } = await both(crowd(count, seed));
    expect(kept?.data).toEqual(wantedKept?.data);
    expect(indices?.data).toEqual(wantedIndices?.data);
    both.dispose();
  }
});
