/** Initialisers by config: which parameters they reach, what they draw, and lists of modules. */

import { scope, type Tensor, trace } from '@omma/core';
import { describe, expect, it } from 'vitest';
import {
  BatchNorm2d,
  Conv2d,
  HostRandom,
  type InitConfig,
  init,
  Linear,
  Module,
  ModuleDict,
  ModuleList,
  type Parameter,
  setInitializers,
} from '../src/index.ts';

class Net extends Module {
  readonly conv = new Conv2d(4, 64, 3, { bias: true });
  readonly norm = new BatchNorm2d(64);
  readonly cls = new Linear(64, 10);
  readonly reg = new Linear(64, 4);

  override forward(x: Tensor): Tensor {
    return x;
  }
}

/** What a parameter is drawn as: `constant 2`, or spread and largest number. */
function drawn({ initializer, shape }: Parameter): string {
  const data = initializer(shape, new HostRandom(1, 2));
  const [head = Number.NaN] = data;
  if (data.every((x) => x === head)) return `constant ${head}`;
  const std = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
  return `std ${std.toPrecision(1)}`;
}

function all(configs: InitConfig | readonly InitConfig[]): Record<string, string> {
  const net = new Net();
  setInitializers(net, configs);
  return Object.fromEntries(net.namedParameters().map(([name, parameter]) => [name, drawn(parameter)]));
}

const before = all([]);

describe('initConfig', () => {
  it('reaches the layers that it names, weights and biases, and no others', () => {
    expect(all({ type: 'Constant', val: 2, bias: 3, layer: ['Linear', '_BatchNorm'] })).toEqual({
      ...before,
      'norm.weight': 'constant 2',
      'norm.bias': 'constant 3',
      'cls.weight': 'constant 2',
      'cls.bias': 'constant 3',
      'reg.weight': 'constant 2',
      'reg.bias': 'constant 3',
    });
  });

  it('has an override for a child, of its own type or of that of the rest', () => {
    const biasProb = 0.01;
    const found = all([
      {
        type: 'Constant',
        val: 1,
        layer: 'Conv2d',
        override: { type: 'Constant', val: 5, name: 'cls', biasProb },
      },
      { type: 'Normal', std: 0.3, bias: 7, override: [{ name: 'reg' }] },
    ]);
    expect(found).toEqual({
      ...before,
      'conv.weight': 'constant 1',
      'conv.bias': 'constant 0',
      'cls.weight': 'constant 5',
      'cls.bias': `constant ${Math.fround(-Math.log(99))}`,
      'reg.weight': 'std 0.3',
      'reg.bias': 'constant 7',
    });
  });

  it.each<[InitConfig & { type: string }, init.Initializer]>([
    [{ type: 'Xavier', layer: 'Conv2d', gain: 2 }, init.xavierNormal(2)],
    [{ type: 'Xavier', layer: 'Conv2d', distribution: 'uniform' }, init.xavierUniform()],
    [{ type: 'Normal', layer: 'Conv2d', mean: 1 }, init.normal(1, 1)],
    [{ type: 'TruncNormal', layer: 'Conv2d', a: -0.5, b: 0.5 }, init.truncatedNormal(0, 1, -0.5, 0.5)],
    [{ type: 'Uniform', layer: 'Conv2d', a: 3, b: 4 }, init.uniform(3, 4)],
    [{ type: 'Kaiming', layer: 'Conv2d' }, init.kaimingNormal({ mode: 'fanOut' })],
    [
      {
        type: 'Kaiming',
        layer: 'Conv2d',
        a: 1,
        mode: 'fanIn',
        nonlinearity: 'leakyRelu',
        distribution: 'uniform',
      },
      init.caffe2Xavier(),
    ],
    [{ type: 'Caffe2Xavier', layer: 'Conv2d' }, init.caffe2Xavier()],
  ])('%j draws what its function draws', (config, initializer) => {
    const net = new Net();
    setInitializers(net, config);
    const { weight } = net.conv;
    const random = () => new HostRandom(3, 4);
    expect(weight.initializer(weight.shape, random())).toEqual(initializer(weight.shape, random()));
  });

  it('knows classes of the model, and notes files', () => {
    const net = new Net();
    setInitializers(net, [
      { type: 'Constant', val: 1, layer: 'Net' },
      { type: 'Pretrained', checkpoint: 'a.pth', prefix: 'backbone' },
    ]);
    expect(net.pretrained).toEqual({ checkpoint: 'a.pth', prefix: 'backbone' });
  });

  it.each<[InitConfig, RegExp]>([
    [{ type: 'Constant', val: 1 }, /Constant does not say what it is for; give layer or override/],
    [{ type: 'Constant', val: 1, layer: 'Con2d' }, /there is no layer Con2d/],
    [
      { type: 'Constant', val: 1, override: { name: 'fc' } },
      /override names fc, but the module has conv, norm/,
    ],
  ])('refuses %j', (config, message) => {
    expect(() => all(config)).toThrow(message);
  });
});

it('Caffe2Xavier is uniform within the root of three over fan in; a bias may follow a probability', () => {
  const numbers = init.caffe2Xavier()([16, 12], new HostRandom(1, 1));
  expect(Math.max(...numbers.map(Math.abs))).toBeGreaterThan(0.45);
  expect(Math.max(...numbers.map(Math.abs))).toBeLessThanOrEqual(0.5);
  expect(1 / (1 + Math.exp(-init.biasInitWithProb(0.02)))).toBeCloseTo(0.02, 12);
  expect(() => init.biasInitWithProb(0)).toThrow(/between 0 and 1/);
});

describe('lists of modules', () => {
  class Listed extends Module {
    readonly convs = new ModuleList([
      new Conv2d(1, 1, 1, { bias: false }),
      new Conv2d(1, 1, 1, { bias: false }),
    ]);
    readonly heads = new ModuleDict({ small: new Conv2d(1, 1, 1, { bias: false }) });

    override forward(x: Tensor): Tensor {
      let y = x;
      for (const conv of this.convs) y = conv.call(y);
      return this.heads.get('small').call(y);
    }
  }

  it('name their parameters and nodes as PyTorch does', () => {
    const model = new Listed();
    expect(model.namedParameters().map(([name]) => name)).toEqual([
      'convs.0.weight',
      'convs.1.weight',
      'heads.small.weight',
    ]);
    const graph = trace(({ x }) => (x === undefined ? {} : { y: scope('m', () => model.call(x)) }), {
      x: { shape: [1, 1, 2, 2], dtype: 'float32' },
    });
    expect(graph.nodes.map((node) => node.scope)).toEqual(['m.convs.0', 'm.convs.1', 'm.heads.small']);
  });

  it('say what they do not have', () => {
    const { convs, heads } = new Listed();
    expect([convs.length, convs.at(-1) === convs.at(1), heads.has('large')]).toEqual([2, true, false]);
    expect([...heads.entries()].map(([name]) => name)).toEqual(['small']);
    expect(() => convs.at(2)).toThrow(/there is no 2 among 2/);
    expect(() => heads.get('large')).toThrow(/there is no large, only small/);
    expect(() => heads.set('small', heads.get('small'))).toThrow(/taken, empty, or has a dot/);
    expect(() => convs.call()).toThrow(/ModuleList: cannot be called/);
  });
});
