/** Whole training steps (forward, backward, clipping, optimiser, statistics, dropout, loss scale) as ONNX, step after step against the reference. */

import {
  add,
  advance,
  applyMixedPrecision,
  avgPool2d,
  crossEntropy,
  dropout,
  eliminateDeadCode,
  type Graph,
  GraphBuilder,
  gradients,
  type HostTensor,
  hostFrom,
  LossScale,
  type MixedPrecision,
  maxPool2d,
  relu,
  reshape,
  resize,
  scaledGradients,
  scope,
  type Tensor,
  traceInto,
  Variable,
  writesOnlyIf,
} from '@omma/core';
import {
  Adam,
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  clipGradNorm,
  GroupNorm,
  initialize,
  Linear,
  Module,
  type Optimizer,
  RMSprop,
  SGD,
} from '@omma/nn';
import { describe, expect, it } from 'vitest';
import { buildStep, plainDialect } from '../src/index.ts';
import { present, runModel, runReference } from './run.ts';

/** A bit of everything that networks are made of. */
class Network extends Module<[Tensor, Tensor], Tensor> {
  readonly stem = new Conv2d(3, 8, 3, { stride: 2, padding: 1, bias: false });
  readonly norm = new BatchNorm2d(8);
  readonly depthwise = new Conv2d(8, 8, 3, { padding: 2, dilation: 2, groups: 8 });
  readonly grouped = new Conv2d(8, 12, 3, { padding: 1, groups: 2 });
  readonly groupNorm = new GroupNorm(3, 12);
  readonly up = new ConvTranspose2d(12, 4, 2, { stride: 2 });
  readonly head = new Linear(4 * 2 * 2, 5);

  forward(x: Tensor, key: Tensor): Tensor {
    const stem = relu(this.norm.call(this.stem.call(x)));
    const pooled = maxPool2d(stem, { kernel: 3, stride: 2, padding: 1 });
    const inner = add(pooled, this.depthwise.call(pooled));
    const grown = relu(this.groupNorm.call(this.grouped.call(inner)));
    const up = resize(this.up.call(grown), { size: [7, 5], mode: 'bilinear' });
    const small = avgPool2d(up, { kernel: [3, 2], stride: [3, 2] });
    return this.head.call(dropout(reshape(small, [x.dim(0), -1]), { p: 0.2, key, salt: 5 }));
  }
}

const batch = 4;

/** One step as a graph, and the state that it begins with. */
async function trainingStep(
  optimizer: Optimizer,
  amp: MixedPrecision | null,
): Promise<{ graph: Graph; state: Map<string, HostTensor> }> {
  const network = new Network();
  await initialize(network, 0);
  const key = new Variable('random', { shape: [2], dtype: 'uint32' }, Uint32Array.of(11, 0));
  const lossScale = new LossScale('lossScale', { initial: 2 ** 10, interval: 2 });
  const builder = new GraphBuilder();
  const traced = traceInto(
    builder,
    ({ x, label, lr }) => {
      const logits = scope('network', () => network.call(present(x), key.read()));
      const loss = crossEntropy(logits, present(label));
      const parameters = network.namedParameters();
      const wrt = parameters.map(([, parameter]) => parameter.read());
      if (amp === 'float16') {
        const { gradients: raw, finite } = scaledGradients(loss, wrt, lossScale);
        writesOnlyIf(finite, () => optimizer.step(parameters, raw, present(lr)));
      } else {
        const clipped = clipGradNorm(gradients(loss, wrt), 1);
        optimizer.step(parameters, clipped.gradients, present(lr), { apply: loss.isFinite() });
      }
      advance(key);
      return { loss };
    },
    {
      x: { shape: [batch, 3, 16, 12], dtype: 'float32' },
      label: { shape: [batch], dtype: 'int32' },
      lr: { shape: [], dtype: 'float32' },
    },
  );
  const state = new Map<string, HostTensor>();
  for (const [name, variable] of builder.variables) state.set(name, await variable.download());
  const live = eliminateDeadCode(traced);
  return { graph: amp === null ? live : applyMixedPrecision(live, amp), state };
}

const inputs = {
  x: hostFrom(
    Array.from({ length: batch * 3 * 16 * 12 }, (_, i) => Math.sin(i * 12.9898)),
    [batch, 3, 16, 12],
    'float32',
  ),
  label: hostFrom([0, 3, 4, 1], [batch], 'int32'),
  lr: hostFrom([0.01], [], 'float32'),
};

const optimizers = {
  'SGD with momentum': () => new SGD({ momentum: 0.9, nesterov: true, weightDecay: 1e-4 }),
  Adam: () => new Adam({ weightDecay: 1e-4 }),
  RMSprop: () => new RMSprop({ momentum: 0.9 }),
};

/** How far losses may lie apart, relative: rounding of the number format, through three updates. */
const tolerances = { float32: 1e-4, float16: 1e-2, bfloat16: 5e-2 };

describe.each([17, 13] as const)('opset %i', (opset) => {
  for (const [name, optimizer] of Object.entries(optimizers)) {
    it.each([null, 'float16', 'bfloat16'] as const)(`${name}, mixed precision %s`, async (amp) => {
      const { graph, state } = await trainingStep(optimizer(), amp);
      const expected = new Map(state);
      const model = buildStep(graph, plainDialect(opset));
      const tolerance = tolerances[amp ?? 'float32'];
      for (let step = 0; step < 4; step++) {
        const found = present((await runModel(model, state, inputs)).loss).data[0] ?? Number.NaN;
        const wanted = present((await runReference(graph, expected, inputs)).loss).data[0] ?? Number.NaN;
        expect(Math.abs(found - wanted) / wanted, `loss ${found} at step ${step}`).toBeLessThan(tolerance);
      }
      expect(state.get('random')?.data).toEqual(Uint32Array.of(11, 4));
      if (amp === 'float16') expect(state.get('lossScale.scale')?.data).toEqual(Float32Array.of(2 ** 12));
      for (const { slot, output } of model.state) {
        const changed = String(state.get(slot)?.data) !== String((await initial(slot))?.data);
        expect([slot, changed]).toEqual([slot, output !== null && !constantSlots.has(slot)]);
      }
      async function initial(slot: string) {
        return (await trainingStep(optimizer(), amp)).state.get(slot);
      }
    });
  }
});

/** State that the steps write without a change: the count of good steps is back at zero after every second one. */
const constantSlots = new Set(['lossScale.goodSteps']);
