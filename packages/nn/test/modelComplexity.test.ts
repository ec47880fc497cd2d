import {
  attention,
  countOperations,
  globalAvgPool,
  gradients,
  ShapeError,
  type Tensor,
  trace,
} from '@omma/core';
import { describe, expect, it } from 'vitest';
import { MobileNetV2 as Features } from '../../../tools/src/bench/mobileNetV2.ts';
import {
  BatchNorm2d,
  Conv2d,
  Flatten,
  LayerNorm,
  Linear,
  Module,
  modelComplexity,
  Sequential,
} from '../src/index.ts';

function complexityOf(model: Module, shape: readonly number[]) {
  const forward = ({ x }: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
    x === undefined ? {} : { y: model.call(x) };
  return modelComplexity(model, forward, { x: { shape, dtype: 'float32' } });
}

class MobileNetV2 extends Module {
  readonly features = new Features();
  readonly classifier = new Linear(1280, 1000);

  override forward(x: Tensor): Tensor {
    const [features] = this.features.call(x);
    if (features === undefined) throw new Error('no features');
    return this.classifier.call(new Flatten().call(globalAvgPool(features)));
  }
}

describe('modelComplexity', () => {
  it("counts MobileNetV2 as MMEngine's get_model_complexity_info does", () => {
    // MMEngine 0.10.7 on torchvision's mobilenet_v2.
    const [whole] = complexityOf(new MobileNetV2(), [1, 3, 224, 224]).modules;
    expect(whole).toEqual({
      path: '',
      type: 'MobileNetV2',
      parameters: 3_504_872,
      flops: 314_193_216,
      activations: 6_679_112,
    });
  });

  it('gives every module what happens below it, and counts a whole batch', () => {
    const model = new Sequential(new Conv2d(3, 8, 3, { padding: 1 }), new Sequential(new BatchNorm2d(8)));
    const { modules } = complexityOf(model, [2, 3, 4, 4]);
    expect(modules.map(({ path, parameters, flops }) => [path, parameters, flops])).toEqual([
      ['', 3 * 8 * 9 + 8 + 16, 2 * 16 * 8 * 27 + 2 * 16 * 8 * 2],
      ['0', 3 * 8 * 9 + 8, 2 * 16 * 8 * 27],
      ['1', 16, 2 * 16 * 8 * 2],
      ['1.0', 16, 2 * 16 * 8 * 2],
    ]);
  });

  it('leaves the model in the mode in which it was, also after an error', () => {
    const model = new Sequential(new Linear(4, 4), new LayerNorm(4));
    model.train();
    complexityOf(model, [1, 4]);
    expect(() => complexityOf(model, [1, 5])).toThrow(ShapeError);
    expect(model.training).toBe(true);
  });
});

describe('countOperations', () => {
  const type = { shape: [1, 2, 6, 5], dtype: 'float32' } as const;

  it('takes apart what has no rule: attention is two matrix products', () => {
    const graph = trace(({ q, k }): Record<string, Tensor> => (q && k ? { y: attention(q, k, k) } : {}), {
      q: type,
      k: type,
    });
    const { nodes, uncounted } = countOperations(graph);
    expect(nodes.map(({ op, flops }) => [op, flops])).toEqual([
      ['matmul', 2 * 6 * 6 * 5],
      ['matmul', 2 * 6 * 6 * 5],
    ]);
    expect(uncounted).toEqual({});
  });

  it('counts the backward pass of a training step too: twice the forward pass', () => {
    const model = new Conv2d(2, 4, 3, { padding: 1, bias: false });
    const graph = trace(
      ({ x }): Record<string, Tensor> => {
        if (x === undefined) return {};
        const y = model.call(x).mul(2);
        const [dx, dw] = gradients(y.sum(), [x, model.weight.read()]);
        return dx && dw ? { dx, dw, y } : {};
      },
      { x: type },
    );
    const flops = 4 * 6 * 5 * 2 * 9;
    const counted = countOperations(graph).nodes.filter(({ flops }) => flops > 0);
    expect(new Set(counted.map((node) => node.flops))).toEqual(new Set([flops]));
    expect(counted).toHaveLength(3);
  });

  it('takes rules for ops of your own', () => {
    const graph = trace(({ x }): Record<string, Tensor> => (x ? { y: x.relu() } : {}), { x: type });
    expect(countOperations(graph).nodes).toEqual([]);
    expect(countOperations(graph, { relu: { flops: () => 7 } }).nodes).toMatchObject([
      { op: 'relu', flops: 7, activations: 0 },
    ]);
  });
});
