import { sizeOf, trace } from '@omma/core';
import { HostRandom, modelComplexity } from '@omma/nn';
import { describe, expect, it } from 'vitest';
import {
  GlobalAveragePooling,
  ImageClassifier,
  LinearClsHead,
  ResNet,
  type ResNetDepth,
  type ResNetOptions,
  resNetDepths,
} from '../src/index.ts';

function classifier(options: ResNetOptions, numClasses = 1000): ImageClassifier {
  const backbone = new ResNet(options);
  const head = new LinearClsHead({ numClasses, inChannels: backbone.outChannels });
  return new ImageClassifier({ backbone, neck: new GlobalAveragePooling(), head });
}

function graphOf(model: ImageClassifier, shape: readonly number[], dtype: 'uint8' | 'float32' = 'float32') {
  return trace(({ x }) => (x === undefined ? {} : { y: model.call(x) }), { x: { shape, dtype } });
}

describe('ResNet', () => {
  /** torchvision's counts for 1000 classes. */
  const parameters: Record<ResNetDepth, number> = {
    18: 11_689_512,
    34: 21_797_672,
    50: 25_557_032,
    101: 44_549_160,
    152: 60_192_808,
  };

  it.each(resNetDepths.map((depth) => [depth]))('-%i has as many parameters as the original', (depth) => {
    const count = classifier({ depth })
      .parameters()
      .reduce((total, { shape }) => total + sizeOf(shape), 0);
    expect(count).toBe(parameters[depth]);
  });

  it.each([
    [18, 1_819_065_856, 2_484_712],
    [50, 4_111_512_576, 11_114_984],
  ] as const)("-%i costs what MMEngine's get_model_complexity_info counts", (depth, flops, activations) => {
    // MMEngine 0.10.7 on torchvision's models.
    const model = classifier({ depth });
    const image = { shape: [1, 224, 224, 3], dtype: 'uint8' } as const;
    const { modules, uncounted } = modelComplexity(model, (inputs) => model.predict(inputs), { image });
    expect(uncounted).toEqual({});
    expect(modules[0]).toMatchObject({
      type: 'ImageClassifier',
      parameters: parameters[depth],
      flops,
      activations,
    });
    expect(modules.find(({ path }) => path === 'backbone.layer1.0.conv1')).toMatchObject({ type: 'Conv2d' });
  });

  it("has OpenMMLab's names", () => {
    const names = classifier({ depth: 50 })
      .namedParameters()
      .map(([name]) => name);
    expect(names.slice(0, 4)).toEqual([
      'backbone.conv1.weight',
      'backbone.bn1.weight',
      'backbone.bn1.bias',
      'backbone.layer1.0.conv1.weight',
    ]);
    for (const name of [
      'backbone.layer2.0.downsample.0.weight',
      'backbone.layer2.0.downsample.1.bias',
      'backbone.layer4.2.conv3.weight',
      'head.fc.bias',
    ]) {
      expect(names).toContain(name);
    }
    expect(names).not.toContain('backbone.layer2.1.downsample.0.weight');
  });

  it('divides the picture by 32 with the ImageNet stem, by 8 with the CIFAR stem', () => {
    const last = (stem: 'imagenet' | 'cifar') => {
      const backbone = new ResNet({ depth: 18, stem });
      const graph = trace(
        ({ x }) => ({ y: (x === undefined ? [] : backbone.call(x))[0] ?? backbone.conv1.weight.read() }),
        {
          x: { shape: [1, 3, 64, 64], dtype: 'float32' },
        },
      );
      return graph.values[graph.outputs[0]?.value ?? 0]?.shape;
    };
    expect(last('imagenet')).toEqual([1, 512, 2, 2]);
    expect(last('cifar')).toEqual([1, 512, 8, 8]);
  });

  it('has its stride in the 3x3 convolution (pytorch) or in the first 1x1 (caffe)', () => {
    const strides = (style: 'pytorch' | 'caffe') => {
      const { nodes } = graphOf(classifier({ depth: 50, style }), [1, 3, 64, 64]);
      return ['conv1', 'conv2'].map(
        (name) => nodes.find(({ scope }) => scope === `backbone.layer2.0.${name}`)?.attrs.stride,
      );
    };
    expect(strides('pytorch')).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(strides('caffe')).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });

  it('freezes the stem and the first stages', () => {
    const model = classifier({ depth: 18, frozenStages: 1 }).train();
    const frozen = model
      .namedParameters()
      .filter(([, { trainable }]) => !trainable)
      .map(([name]) => name);
    expect(frozen.every((name) => /^backbone\.(conv1|bn1|layer1)\./.test(name))).toBe(true);
    expect(frozen).toHaveLength(15);
    const training = new Map(model.namedModules().map(([path, module]) => [path, module.training]));
    expect([
      training.get('backbone.bn1'),
      training.get('backbone.layer1.0.bn1'),
      training.get('backbone.layer2.0.bn1'),
    ]).toEqual([false, false, true]);
  });

  it('starts its blocks as the identity on request', () => {
    const blockEnds = (model: ImageClassifier) =>
      model.namedParameters().filter(([name]) => /layer\d\.\d\.bn2\.weight$/.test(name));
    const drawn = blockEnds(classifier({ depth: 18, zeroInitResidual: true })).map(
      ([, p]) => p.initializer(p.shape, new HostRandom(0, 0))[0],
    );
    expect(new Set(drawn)).toEqual(new Set([0]));
  });

  it('refuses stages that do not exist', () => {
    expect(() => new ResNet({ depth: 18, outIndices: [4] })).toThrow(
      /outIndices must be 0 to 3 but contain 4/,
    );
    expect(() => new ResNet({ depth: 18, strides: [1, 2] })).toThrow(
      /one entry for each of 4 stages but have 2 and 4/,
    );
  });
});

describe('ImageClassifier', () => {
  it('normalises bytes in the graph', () => {
    const { nodes } = graphOf(classifier({ depth: 18 }), [2, 32, 32, 3], 'uint8');
    expect(nodes.filter(({ scope }) => scope === 'data_preprocessor').map(({ op }) => op)).toContain(
      'transpose',
    );
  });

  it('says when pictures have other channels than its statistics', () => {
    expect(() => graphOf(classifier({ depth: 18 }), [2, 32, 32, 1], 'uint8')).toThrow(
      /pictures have 1 channels but dataPreprocessor has 3 means/,
    );
  });

  it('refuses a data set with another number of classes', () => {
    const dataset = {
      length: 1,
      classes: ['cat', 'dog'],
      load: () => Promise.reject(new Error()),
      nameOf: () => '',
    };
    expect(() => classifier({ depth: 18 }, 3).checkDataset(dataset)).toThrow(
      /numClasses is 3 but the data set has 2 classes \(cat, dog\); set it to 2/,
    );
  });

  it('refuses a data set with a label that is no class, before anything is trained on it', () => {
    const dataset = {
      length: 3,
      classes: ['cat', 'dog'],
      load: () => Promise.reject(new Error()),
      nameOf: (index: number) => `${index}.jpg`,
      labelOf: (index: number) => index,
    };
    expect(() => classifier({ depth: 18 }, 2).checkDataset(dataset)).toThrow(
      /2\.jpg has label 2, which is not one of the 2 classes \(0 to 1\)/,
    );
  });
});
