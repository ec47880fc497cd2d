/** Tracing, differentiating and preparing a training step the size of ResNet-50's takes a fraction of a second. */

import {
  add,
  applyMixedPrecision,
  at,
  batchNormTrain,
  conv2d,
  crossEntropy,
  eliminateDeadCode,
  fingerprint,
  foldConstants,
  globalAvgPool,
  gradients,
  linear,
  relu,
  reshape,
  type Tensor,
  trace,
  Variable,
} from '@omma/core';
import { describe, expect, it } from 'vitest';

/** ResNet-50's sequence of layers, with SGD and momentum on every parameter. */
function trainingStep(named: Readonly<Record<string, Tensor>>) {
  const parameters: { variable: Variable; value: Tensor }[] = [];
  const parameter = (shape: readonly number[]): Tensor => {
    const variable = new Variable(`p${parameters.length}`, { shape, dtype: 'float32' });
    const value = variable.read();
    parameters.push({ variable, value });
    return value;
  };
  const block = (x: Tensor, channels: number, kernel: number, stride: number) => {
    const weight = parameter([channels, x.dim(1), kernel, kernel]);
    const y = conv2d(x, weight, null, { stride, padding: (kernel - 1) / 2 });
    return batchNormTrain(y, parameter([channels]), parameter([channels]), { eps: 1e-5 }).y;
  };
  const { image, label } = named;
  if (image === undefined || label === undefined) throw new Error('inputs');
  let x = relu(block(image, 64, 7, 4));
  for (const [stage, depth] of [3, 4, 6, 3].entries()) {
    const width = 64 << stage;
    for (let i = 0; i < depth; i++) {
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const shortcut = i === 0 ? block(x, width * 4, 1, stride) : x;
      const inner = relu(block(relu(block(x, width, 1, 1)), width, 3, stride));
      x = relu(add(block(inner, width * 4, 1, 1), shortcut));
    }
  }
  const logits = linear(
    reshape(globalAvgPool(x), [x.dim(0), -1]),
    parameter([1000, x.dim(1)]),
    parameter([1000]),
  );
  const loss = crossEntropy(logits, label);
  gradients(
    loss,
    parameters.map((p) => p.value),
  ).forEach((gradient, i) => {
    const { variable, value } = at(parameters, i);
    const momentum = new Variable(`m${i}`, { shape: value.shape, dtype: 'float32' });
    const velocity = momentum
      .read()
      .mul(0.9)
      .add(gradient.add(value.mul(1e-4)));
    momentum.write(velocity);
    variable.write(value.sub(velocity.mul(0.1)));
  });
  return { loss };
}

const inputs = {
  image: { shape: [16, 3, 224, 224], dtype: 'float32' },
  label: { shape: [16], dtype: 'int32' },
} as const;

describe('a training step of ResNet-50', () => {
  it('is traced, differentiated and prepared in less than 0.4 s of processor time', () => {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const start = process.cpuUsage().user;
      const graph = trace(trainingStep, inputs);
      const prepared = eliminateDeadCode(
        foldConstants(applyMixedPrecision(eliminateDeadCode(graph), 'bfloat16')),
      );
      fingerprint(prepared);
      times.push((process.cpuUsage().user - start) / 1000);
      expect(prepared.nodes.length).toBeGreaterThan(1000);
    }
    expect(Math.min(...times)).toBeLessThan(400);
  });
});
