import { ShapeError, type Tensor, trace } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { BatchNorm2d, Conv2d, Identity, initialize, Linear, Module, ReLU, Sequential } from '../src/index.ts';

class Block extends Module {
  readonly conv1 = new Conv2d(3, 4, 3, { padding: 1, bias: false });
  readonly bn1 = new BatchNorm2d(4);
  readonly downsample = new Sequential(new Conv2d(3, 4, 1), new ReLU());

  override forward(x: Tensor): Tensor {
    return this.bn1.call(this.conv1.call(x)).add(this.downsample.call(x));
  }
}

class Net extends Module {
  readonly backbone = new Sequential(new Block(), new Identity());

  override forward(x: Tensor): Tensor {
    return this.backbone.call(x);
  }
}

describe('a module', () => {
  it('names parameters and buffers as OpenMMLab does', () => {
    const net = new Net();
    expect(net.namedParameters().map(([name]) => name)).toEqual([
      'backbone.0.conv1.weight',
      'backbone.0.bn1.weight',
      'backbone.0.bn1.bias',
      'backbone.0.downsample.0.weight',
      'backbone.0.downsample.0.bias',
    ]);
    expect(net.namedBuffers().map(([name]) => name)).toEqual([
      'backbone.0.bn1.running_mean',
      'backbone.0.bn1.running_var',
    ]);
  });

  it('gives its path to every node that it traces', () => {
    const net = new Net();
    const graph = trace(({ x }) => (x === undefined ? {} : { y: net.call(x) }), {
      x: { shape: [2, 3, 4, 4], dtype: 'float32' },
    });
    expect(new Set(graph.nodes.filter(({ op }) => op === 'conv2d').map(({ scope }) => scope))).toEqual(
      new Set(['backbone.0.conv1', 'backbone.0.downsample.0']),
    );
    expect(graph.state.map(({ name }) => name)).toContain('backbone.0.bn1.running_var');
  });

  it('says where a shape does not fit', () => {
    const net = new Net();
    const wrong = () =>
      trace(({ x }) => (x === undefined ? {} : { y: net.call(x) }), {
        x: { shape: [2, 5, 4, 4], dtype: 'float32' },
      });
    expect(wrong).toThrow(ShapeError);
    expect(wrong).toThrow(/at backbone\.0\.conv1/);
  });

  it('switches everything below between training and evaluation', () => {
    const net = new Net();
    net.eval();
    expect(net.namedModules().every(([, module]) => !module.training)).toBe(true);
    net.train();
    expect(net.namedModules().every(([, module]) => module.training)).toBe(true);
  });

  it('lists a shared parameter once', () => {
    class Tied extends Module {
      readonly first = new Linear(3, 3);
      readonly second = this.first;

      override forward(x: Tensor): Tensor {
        return this.second.call(this.first.call(x));
      }
    }
    expect(new Tied().namedParameters().map(([name]) => name)).toEqual(['first.weight', 'first.bias']);
  });

  it('starts from the same numbers for the same seed, whatever else is in the model', async () => {
    const weightsOf = async (model: Module, name: string, seed: number) => {
      await initialize(model, seed);
      return (
        await model
          .namedParameters()
          .find(([own]) => own === name)?.[1]
          .download()
      )?.data;
    };
    class One extends Module {
      readonly fc = new Linear(4, 5);
      override forward = (x: Tensor) => this.fc.call(x);
    }
    class Two extends Module {
      readonly other = new Linear(7, 7);
      readonly fc = new Linear(4, 5);
      override forward = (x: Tensor) => this.fc.call(x);
    }
    expect(await weightsOf(new One(), 'fc.weight', 3)).toEqual(await weightsOf(new Two(), 'fc.weight', 3));
    expect(await weightsOf(new One(), 'fc.weight', 3)).not.toEqual(
      await weightsOf(new One(), 'fc.weight', 4),
    );
  });

  it('refuses groups that do not divide the channels', () => {
    expect(() => new Conv2d(6, 8, 3, { groups: 4 })).toThrow(
      /groups must divide both channel counts but groups is 4, in 6, out 8/,
    );
  });
});
