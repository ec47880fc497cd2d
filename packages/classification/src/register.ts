/** Makes the classification types known to configs: their schemas, and how to build them. */

import type { Tensor } from '@omma/core';
import { initConfigSchema, metrics, models, Registry, type TypedConfig, ttaModels } from '@omma/engine';
import { type InitConfig, type Module, setInitializers } from '@omma/nn';
import { z } from 'zod';
import { ResNet, type ResNetOptions, resNetDepths } from './backbones/resnet.ts';
import { zeroResidual } from './backbones/resnetBlocks.ts';
import {
  AverageClsScoreTTA,
  type AverageClsScoreTTAOptions,
  averageClsScoreTTASchema,
} from './classifiers/averageClsScoreTTA.ts';
import { type DataPreprocessorOptions, ImageClassifier } from './classifiers/imageClassifier.ts';
import { LinearClsHead } from './heads/linearClsHead.ts';
import { Accuracy, type AccuracyOptions } from './metrics/accuracy.ts';
import { GlobalAveragePooling } from './necks/globalAveragePooling.ts';

/** Feature extractors that a classifier can stand on. */
export interface BackboneTypes {
  ResNet: ResNetOptions & HasInitConfig;
}

/** What every part takes: how its weights are drawn, in place of what OpenMMLab draws. */
export interface HasInitConfig {
  readonly initConfig?: InitConfig | readonly InitConfig[];
}

export interface Backbone extends Module<readonly [Tensor], readonly Tensor[]> {
  readonly outChannels: number;
}

export interface NeckTypes {
  GlobalAveragePooling: object;
}

export interface HeadTypes {
  LinearClsHead: HasInitConfig & {
    readonly numClasses: number;
    readonly labelSmoothing?: number;
    readonly inChannels?: number;
  };
}

export interface ImageClassifierOptions {
  readonly backbone: TypedConfig<BackboneTypes>;
  readonly neck?: TypedConfig<NeckTypes>;
  readonly head: TypedConfig<HeadTypes>;
  readonly dataPreprocessor?: DataPreprocessorOptions;
}

declare module '@omma/engine' {
  interface ModelTypes {
    ImageClassifier: ImageClassifierOptions;
  }
  interface MetricTypes {
    Accuracy: AccuracyOptions;
  }
  interface TtaModelTypes {
    AverageClsScoreTTA: AverageClsScoreTTAOptions;
  }
}

export const backbones = new Registry<BackboneTypes, Backbone>('backbone');
export const necks = new Registry<NeckTypes, Module<readonly [readonly Tensor[]], Tensor>>('neck');
/** A head is built for the channels that its backbone gives. */
export const heads = new Registry<HeadTypes, (inChannels: number) => LinearClsHead>('head');

const positive = z.int().positive();
const perStage = z.array(positive).min(1).max(4);

backbones.register(
  'ResNet',
  z.strictObject({
    depth: z.literal(resNetDepths),
    inChannels: positive.exactOptional(),
    stemChannels: positive.exactOptional(),
    baseChannels: positive.exactOptional(),
    numStages: positive.max(4).exactOptional(),
    strides: perStage.exactOptional(),
    dilations: perStage.exactOptional(),
    outIndices: z.array(z.int().min(0).max(3)).min(1).exactOptional(),
    style: z.enum(['pytorch', 'caffe']).exactOptional(),
    stem: z.enum(['imagenet', 'cifar']).exactOptional(),
    frozenStages: z.int().min(-1).max(4).exactOptional(),
    normEval: z.boolean().exactOptional(),
    zeroInitResidual: z.boolean().exactOptional(),
    initConfig: initConfigSchema.exactOptional(),
  }),
  ({ initConfig = [], ...options }) => {
    const backbone = new ResNet(options);
    const zeroed = backbone.parameters().filter(({ initializer }) => initializer === zeroResidual);
    setInitializers(backbone, initConfig);
    for (const parameter of zeroed) parameter.initializer = zeroResidual;
    return backbone;
  },
);

necks.register('GlobalAveragePooling', z.strictObject({}), () => new GlobalAveragePooling());

heads.register(
  'LinearClsHead',
  z.strictObject({
    numClasses: positive,
    labelSmoothing: z.number().min(0).lt(1).exactOptional(),
    inChannels: positive.exactOptional(),
    initConfig: initConfigSchema.exactOptional(),
  }),
  ({ initConfig = [], ...options }) =>
    (inChannels) => {
      const head = new LinearClsHead({ inChannels, ...options });
      setInitializers(head, initConfig);
      return head;
    },
);

models.register(
  'ImageClassifier',
  z.strictObject({
    backbone: backbones.schema(),
    neck: necks.schema().exactOptional(),
    head: heads.schema(),
    dataPreprocessor: z
      .strictObject({
        mean: z.array(z.number()).min(1),
        std: z.array(z.number().positive()).min(1),
        rgbToBgr: z.boolean().exactOptional(),
        padSizeDivisor: positive.exactOptional(),
        padValue: z.number().exactOptional(),
      })
      .exactOptional(),
  }),
  ({ backbone: backboneConfig, neck, head, dataPreprocessor }) => {
    const backbone = backbones.build(backboneConfig);
    return new ImageClassifier({
      backbone,
      neck: necks.build(neck ?? { type: 'GlobalAveragePooling' }),
      head: heads.build(head)(backbone.outChannels),
      ...(dataPreprocessor === undefined ? {} : { dataPreprocessor }),
    });
  },
);

metrics.register(
  'Accuracy',
  z.strictObject({ topk: z.array(positive).min(1).exactOptional() }),
  (options) => new Accuracy(options),
);

ttaModels.register(
  'AverageClsScoreTTA',
  averageClsScoreTTASchema,
  (options) => new AverageClsScoreTTA(options),
);
