/** The browser's variant: the same steps with onnxruntime-web, whose WebAssembly runs in Node as well. */

import {
  compile,
  conv2d,
  type Device,
  gradients,
  type HostTensor,
  hostFrom,
  mean,
  relu,
  Variable,
} from '@omma/core';
import { describe, expect, it } from 'vitest';
import { createOnnxDevice as createNodeDevice } from '../src/index.ts';
import { createOnnxDevice } from '../src/web.ts';

async function train(device: Device): Promise<number[]> {
  const w = new Variable('w', { shape: [2, 1, 3, 3], dtype: 'float32' }, new Float32Array(18).fill(0.1));
  const image = hostFrom(
    Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)),
    [2, 1, 8, 8],
    'float32',
  );
  const step = compile(
    ({ x }) => {
      if (x === undefined) throw new Error('an input is missing');
      const y = relu(conv2d(x, w.read(), null, { padding: 1 }));
      const loss = mean(y.sub(1).mul(y.sub(1)));
      const [slope] = gradients(loss, [w.read()]);
      if (slope !== undefined) w.write(w.read().sub(slope));
      return { loss };
    },
    { device },
  );
  const losses: number[] = [];
  for (let i = 0; i < 4; i++) losses.push(...lossOf(await step({ x: image })));
  const weights = Array.from((await w.download()).data);
  step.dispose();
  w.release();
  return [...losses, ...weights];
}

const lossOf = ({ loss }: Record<string, HostTensor>) => Array.from(loss?.data ?? []);

describe('@omma/onnx/web', () => {
  it('trains a convolution as onnxruntime-node does', async () => {
    const [web, node] = [await train(createOnnxDevice()), await train(createNodeDevice())];
    expect(web.length).toBe(22);
    web.forEach((value, i) => {
      expect(value).toBeCloseTo(node[i] ?? Number.NaN, 5);
    });
    expect(web[3]).toBeLessThan(web[0] ?? 0);
  });

  it('says what is missing for WebGPU, and that it cannot profile', async () => {
    expect(() => createOnnxDevice('webgpu')).toThrow(/^device onnx:webgpu: this browser has no WebGPU/);
    const step = compile(() => ({}), { device: createOnnxDevice(), profile: true });
    await expect(step()).rejects.toThrow(/^onnx: cannot profile here/);
  });
});
