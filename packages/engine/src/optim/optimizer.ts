/**
 * From a config's `optimWrapper.optimizer` to an optimiser. Names and options are those of PyTorch and MMPretrain. One of your own is registered like any other
 * type:
 *
 *     declare module '@omma/engine' {
 *       interface OptimizerTypes { Sophia: WithRate<SophiaOptions> }
 *     }
 *     optimizers.register('Sophia', sophiaSchema, (options) => (rule) => new Sophia(options, rule));
 */

import type {
  AdadeltaOptions,
  AdafactorOptions,
  AdagradOptions,
  AdamaxOptions,
  AdamOptions,
  AdanOptions,
  ASGDOptions,
  DAdaptAdaGradOptions,
  DAdaptAdamOptions,
  DAdaptSGDOptions,
  LARSOptions,
  LambOptions,
  LionOptions,
  NAdamOptions,
  Optimizer,
  ParameterRule,
  RAdamOptions,
  RMSpropOptions,
  RpropOptions,
  SGDOptions,
} from '@omma/nn';
import { Registry, type TypedConfig } from '../config/registry.ts';

/** Options of an optimiser, and the learning rate that every config says. */
export type WithRate<Options> = Options & { readonly lr: number };

/** What each optimiser takes; extended by declaration merging. */
export interface OptimizerTypes {
  ASGD: WithRate<ASGDOptions>;
  Adadelta: WithRate<AdadeltaOptions>;
  Adafactor: WithRate<AdafactorOptions>;
  Adagrad: WithRate<AdagradOptions>;
  Adam: WithRate<AdamOptions>;
  AdamW: WithRate<Omit<AdamOptions, 'decoupledWeightDecay'>>;
  Adamax: WithRate<AdamaxOptions>;
  Adan: WithRate<AdanOptions>;
  DAdaptAdaGrad: WithRate<DAdaptAdaGradOptions>;
  DAdaptAdam: WithRate<DAdaptAdamOptions>;
  DAdaptSGD: WithRate<DAdaptSGDOptions>;
  LARS: WithRate<LARSOptions>;
  Lamb: WithRate<LambOptions>;
  Lion: WithRate<LionOptions>;
  NAdam: WithRate<NAdamOptions>;
  RAdam: WithRate<RAdamOptions>;
  RMSprop: WithRate<RMSpropOptions>;
  Rprop: WithRate<RpropOptions>;
  SGD: WithRate<SGDOptions>;
}

/** `{ type: 'SGD', lr: 0.1, momentum: 0.9 }` */
export type OptimizerConfig = TypedConfig<OptimizerTypes>;

export const optimizers = new Registry<OptimizerTypes, (rule?: ParameterRule) => Optimizer>('optimizer');

export const optimizerSchema = optimizers.schema();

/** The optimiser that `config` describes; `rule` says what single parameters do differently. */
export function buildOptimizer(config: OptimizerConfig, rule?: ParameterRule): Optimizer {
  return optimizers.build(config)(rule);
}
