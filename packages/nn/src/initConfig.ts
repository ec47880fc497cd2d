/**
 * Initialisers by config: MMEngine's `init_cfg`, in camelCase. They take the place of the initialisers that layers were made with; `initialize` draws the
 * numbers afterwards, and who runs a model reads the files of `Pretrained`.
 */

import { OmmaError } from '@omma/core';
import * as init from './init.ts';
import { Conv2d, ConvTranspose2d } from './layers/conv.ts';
import { Embedding, Linear } from './layers/linear.ts';
import { BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm } from './layers/norm.ts';
import type { AnyModule } from './module.ts';
import { Parameter } from './parameter.ts';

/** How weights are drawn. Biases become `bias`: see `InitOptions`. */
export type WeightInit =
  | { readonly type: 'Constant'; readonly val: number }
  | { readonly type: 'Xavier'; readonly gain?: number; readonly distribution?: 'normal' | 'uniform' }
  | { readonly type: 'Normal'; readonly mean?: number; readonly std?: number }
  /** `a` and `b` are the bounds: -2 and 2 unless given. */
  | {
      readonly type: 'TruncNormal';
      readonly mean?: number;
      readonly std?: number;
      readonly a?: number;
      readonly b?: number;
    }
  | { readonly type: 'Uniform'; readonly a?: number; readonly b?: number }
  /** `a` is the negative slope of leakyRelu; fan out, relu and normal numbers unless given. */
  | {
      readonly type: 'Kaiming';
      readonly a?: number;
      readonly mode?: init.FanMode;
      readonly nonlinearity?: 'relu' | 'leakyRelu';
      readonly distribution?: 'normal' | 'uniform';
    }
  | { readonly type: 'Caffe2Xavier' };

/** What is set beside the weights. */
export interface BiasInit {
  /** 0 unless given. */
  readonly bias?: number;
  /** In place of `bias`: that of a classifier which gives this probability to everything at first (`biasInitWithProb`). */
  readonly biasProb?: number;
}

/** A child that is initialised in another way: by its own type, or, with a name alone, as the rest says. All of it, whatever its layers. */
export type InitOverride = { readonly name: string } & ((WeightInit & BiasInit) | { readonly type?: never });

export type InitConfig =
  | (WeightInit &
      BiasInit & {
        /** Classes of the layers that it is for (`Conv2d`, `_BatchNorm`); none unless given, then `override` says what. */
        readonly layer?: string | readonly string[];
        readonly override?: InitOverride | readonly InitOverride[];
      })
  | {
      readonly type: 'Pretrained';
      /** A weight file: what fits of it is taken. */
      readonly checkpoint: string;
      /** Only tensors below this module of the file: `backbone`. */
      readonly prefix?: string;
    };

type Drawn = Exclude<InitConfig, { readonly type: 'Pretrained' }>;

/** By PyTorch's names of classes and of what these are based on. */
const layers: Readonly<Record<string, readonly (abstract new (...args: never) => AnyModule)[]>> = {
  Conv2d: [Conv2d],
  ConvTranspose2d: [ConvTranspose2d],
  _ConvNd: [Conv2d, ConvTranspose2d],
  Linear: [Linear],
  Embedding: [Embedding],
  BatchNorm2d: [BatchNorm2d],
  _BatchNorm: [BatchNorm2d],
  InstanceNorm2d: [InstanceNorm2d],
  _InstanceNorm: [InstanceNorm2d],
  _NormBase: [BatchNorm2d, InstanceNorm2d],
  GroupNorm: [GroupNorm],
  LayerNorm: [LayerNorm],
};

/** Sets the initialisers below `module`, one config after the other. `Pretrained` is noted in `module.pretrained`. */
export function setInitializers(module: AnyModule, configs: InitConfig | readonly InitConfig[]): void {
  for (const config of isList(configs) ? configs : [configs]) {
    if (config.type === 'Pretrained') {
      const { checkpoint, prefix } = config;
      module.pretrained = { checkpoint, ...(prefix === undefined ? {} : { prefix }) };
    } else setDrawn(module, config);
  }
}

function setDrawn(module: AnyModule, { layer = [], override = [], ...config }: Drawn): void {
  const names = typeof layer === 'string' ? [layer] : layer;
  const overrides = isList(override) ? override : [override];
  if (names.length === 0 && overrides.length === 0)
    throw new OmmaError(`initConfig: ${config.type} does not say what it is for; give layer or override`);
  const classes = names.flatMap((name) => classesOf(name, module));
  for (const [, child] of module.namedModules()) {
    if (classes.some((one) => child instanceof one)) setVariables(child, config);
  }
  for (const { name, ...own } of overrides) {
    const child = module.children().find(([known]) => known === name)?.[1];
    if (child === undefined) {
      const known = module.children().map(([one]) => one);
      throw new OmmaError(`initConfig: override names ${name}, but the module has ${known.join(', ')}`);
    }
    for (const [, part] of child.namedModules()) setVariables(part, own.type === undefined ? config : own);
  }
}

/** The classes that `name` stands for: PyTorch's, or that of a module of the user's own below `module`. */
function classesOf(name: string, module: AnyModule): readonly (abstract new (...args: never) => AnyModule)[] {
  const known = layers[name];
  if (known !== undefined) return known;
  const own = module.namedModules().find(([, child]) => child.constructor.name === name);
  if (own === undefined)
    throw new OmmaError(
      `initConfig: there is no layer ${name}; expected a class of the model, or one of ${Object.keys(layers).join(', ')}`,
    );
  const [, found] = own;
  return [Object.getPrototypeOf(found).constructor];
}

function setVariables(module: AnyModule, config: WeightInit & BiasInit): void {
  const { bias = 0, biasProb } = config;
  for (const [name, variable] of module.ownVariables()) {
    if (!(variable instanceof Parameter)) continue;
    if (name === 'weight') variable.initializer = weightInitializer(config);
    if (name === 'bias')
      variable.initializer = init.constant(biasProb === undefined ? bias : init.biasInitWithProb(biasProb));
  }
}

function weightInitializer(config: WeightInit): init.Initializer {
  switch (config.type) {
    case 'Constant':
      return init.constant(config.val);
    case 'Xavier':
      return (config.distribution === 'uniform' ? init.xavierUniform : init.xavierNormal)(config.gain);
    case 'Normal':
      return init.normal(config.mean, config.std);
    case 'TruncNormal':
      return init.truncatedNormal(config.mean, config.std, config.a, config.b);
    case 'Uniform':
      return init.uniform(config.a, config.b);
    case 'Kaiming': {
      const { a = 0, mode = 'fanOut', nonlinearity = 'relu', distribution } = config;
      const options = { mode, nonlinearity, slope: a };
      return distribution === 'uniform' ? init.kaimingUniform(options) : init.kaimingNormal(options);
    }
    case 'Caffe2Xavier':
      return init.caffe2Xavier();
  }
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
