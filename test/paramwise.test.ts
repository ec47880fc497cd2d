/** Parameter groups: those of MMEngine's DefaultOptimWrapperConstructor, and of MMPretrain's layer decay on its ResNets. */

import { readFileSync } from 'node:fs';
import { ResNet, type ResNetDepth, resNetDepths } from '@omma/classification';
import { layerDepths, type ParamwiseConfig, paramwiseRule, paramwiseSchema } from '@omma/engine';
import { BatchNorm2d, Conv2d, GroupNorm, LayerNorm, Linear, Module, Parameter, Sequential } from '@omma/nn';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const groups = z.record(z.string(), z.tuple([z.number(), z.number()]));
const depth = z.custom<ResNetDepth>((value) => resNetDepths.some((known) => known === value));
const goldenSchema = z.object({
  cases: z.array(z.object({ config: paramwiseSchema, groups })),
  layerDecay: z.array(z.object({ depth, groups })),
});
const file = new URL('fixtures/golden/paramwise.json', import.meta.url);
const golden = goldenSchema.parse(JSON.parse(readFileSync(file, 'utf8')));

abstract class Plain extends Module {
  override forward(): never {
    throw new Error('not run');
  }
}

class Deformable extends Plain {
  readonly weight = new Parameter([4, 4, 3, 3]);
  readonly bias = new Parameter([4]);
  readonly convOffset = new Conv2d(4, 27, 3);
}

class Backbone extends Plain {
  readonly conv1 = new Conv2d(3, 4, 3);
  readonly bn1 = new BatchNorm2d(4);
  readonly dw = new Conv2d(4, 4, 3, { groups: 4 });
  readonly gn = new GroupNorm(2, 4);
  readonly dcn = new Deformable();
}

class Model extends Plain {
  readonly backbone = new Backbone();
  readonly norm = new LayerNorm([4]);
  readonly scale = new Parameter([4]);
  readonly fc = new Linear(4, 2);
}

/** What the multipliers make of a learning rate and a weight decay of 1, by parameter. */
function groupsOf(model: Plain, config: ParamwiseConfig): Record<string, [number, number]> {
  const rule = paramwiseRule(model, config);
  return Object.fromEntries(
    model.namedParameters().map(([name]) => {
      const { lrMult = 1, decayMult = 1 } = rule(name);
      return [name, [lrMult, decayMult]];
    }),
  );
}

describe('parameter groups are those of MMEngine', () => {
  it.each(golden.cases.map((one) => [JSON.stringify(one.config), one] as const))('%s', (_, one) => {
    expect(groupsOf(new Model(), one.config)).toEqual(one.groups);
  });
});

class Classifier extends Plain {
  readonly backbone: ResNet;
  readonly head = new Linear(8, 4);

  constructor(depth: ResNetDepth) {
    super();
    this.backbone = new ResNet({ depth });
  }
}

describe('layer decay', () => {
  it.each(golden.layerDecay.map((one) => [one.depth, one] as const))(
    'on a ResNet-%i multiplies as in MMPretrain',
    (_, one) => {
      const config: ParamwiseConfig = {
        layerDecayRate: 0.5,
        normDecayMult: 0,
        flatDecayMult: 0.25,
        customKeys: { 'layer1.0.conv1': { decayMult: 2 } },
      };
      expect(groupsOf(new Classifier(one.depth), config)).toMatchObject(one.groups);
    },
  );

  it('counts a stage a layer on a ResNet-18, which MMPretrain does not know', () => {
    const depthOf = layerDepths(new Classifier(18));
    const names = [
      'conv1.weight',
      'layer1.1.bn2.bias',
      'layer2.0.conv1.weight',
      'layer3.1.conv1.weight',
      'layer4.0.bn1.bias',
    ];
    expect(names.map((name) => depthOf(`backbone.${name}`).layer)).toEqual([0, 1, 2, 3, 4]);
    expect(depthOf('head.weight')).toEqual({ layer: 5, layers: 6 });
  });

  it('counts blocks where a model does not say how deep its layers lie', () => {
    class Transformer extends Plain {
      readonly stem = new Conv2d(3, 4, 4);
      readonly blocks = new Sequential(new Linear(4, 4), new Linear(4, 4), new Linear(4, 4));
      readonly norm = new LayerNorm([4]);
      readonly head = new Linear(4, 2);
    }
    const depthOf = layerDepths(new Transformer());
    const layers = ['stem.weight', 'blocks.0.weight', 'blocks.2.bias', 'norm.weight', 'head.bias'];
    expect(layers.map((name) => depthOf(name).layer)).toEqual([0, 1, 3, 4, 4]);
    expect(depthOf('head.bias').layers).toBe(5);
  });
});

describe('rules that cannot be followed', () => {
  it('are two for the learning rate', () => {
    expect(() => groupsOf(new Model(), { layerDecayRate: 0.9, customKeys: { fc: { lrMult: 10 } } })).toThrow(
      /customKeys\.fc\.lrMult and layerDecayRate both say .*; leave one of them out/,
    );
  });

  it('want two things of one parameter, unless its first place decides', () => {
    class Tied extends Plain {
      readonly first = new Linear(4, 4);
      readonly second: Linear;

      constructor() {
        super();
        this.second = this.first;
      }
    }
    const config: ParamwiseConfig = { customKeys: { second: { lrMult: 0.1 } } };
    expect(() => groupsOf(new Tied(), config)).toThrow(
      /first\.weight and second\.weight are one parameter .*set bypassDuplicate/,
    );
    expect(groupsOf(new Tied(), { ...config, bypassDuplicate: true })).toEqual({
      'first.weight': [1, 1],
      'first.bias': [1, 1],
    });
    expect(groupsOf(new Tied(), { biasLrMult: 2 })).toEqual({
      'first.weight': [1, 1],
      'first.bias': [2, 1],
    });
  });
});
