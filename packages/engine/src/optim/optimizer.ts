/** From a config's `optimWrapper.optimizer` to an optimiser. Names and options are those of PyTorch and MMPretrain. */

import {
  Adadelta,
  type AdadeltaOptions,
  Adafactor,
  type AdafactorOptions,
  Adagrad,
  type AdagradOptions,
  Adam,
  Adamax,
  type AdamaxOptions,
  type AdamOptions,
  AdamW,
  Adan,
  type AdanOptions,
  ASGD,
  type ASGDOptions,
  DAdaptAdaGrad,
  type DAdaptAdaGradOptions,
  DAdaptAdam,
  type DAdaptAdamOptions,
  DAdaptSGD,
  type DAdaptSGDOptions,
  LARS,
  type LARSOptions,
  Lamb,
  type LambOptions,
  Lion,
  type LionOptions,
  NAdam,
  type NAdamOptions,
  type Optimizer,
  type ParameterRule,
  RAdam,
  type RAdamOptions,
  RMSprop,
  type RMSpropOptions,
  Rprop,
  type RpropOptions,
  SGD,
  type SGDOptions,
} from '@omma/nn';

/** What each optimiser takes besides the learning rate. */
export interface OptimizerTypes {
  ASGD: ASGDOptions;
  Adadelta: AdadeltaOptions;
  Adafactor: AdafactorOptions;
  Adagrad: AdagradOptions;
  Adam: AdamOptions;
  AdamW: Omit<AdamOptions, 'decoupledWeightDecay'>;
  Adamax: AdamaxOptions;
  Adan: AdanOptions;
  DAdaptAdaGrad: DAdaptAdaGradOptions;
  DAdaptAdam: DAdaptAdamOptions;
  DAdaptSGD: DAdaptSGDOptions;
  LARS: LARSOptions;
  Lamb: LambOptions;
  Lion: LionOptions;
  NAdam: NAdamOptions;
  RAdam: RAdamOptions;
  RMSprop: RMSpropOptions;
  Rprop: RpropOptions;
  SGD: SGDOptions;
}

export type OptimizerType = keyof OptimizerTypes;

/** `{ type: 'SGD', lr: 0.1, momentum: 0.9 }` */
export type OptimizerConfig<T extends OptimizerType = OptimizerType> = {
  [Type in T]: OptimizerTypes[Type] & { readonly type: Type; readonly lr: number };
}[T];

const builders: {
  readonly [T in OptimizerType]: (config: OptimizerConfig<T>, rule?: ParameterRule) => Optimizer;
} = {
  ASGD: (config, rule) => new ASGD(config, rule),
  Adadelta: (config, rule) => new Adadelta(config, rule),
  Adafactor: (config, rule) => new Adafactor(config, rule),
  Adagrad: (config, rule) => new Adagrad(config, rule),
  Adam: (config, rule) => new Adam(config, rule),
  AdamW: (config, rule) => new AdamW(config, rule),
  Adamax: (config, rule) => new Adamax(config, rule),
  Adan: (config, rule) => new Adan(config, rule),
  DAdaptAdaGrad: (config, rule) => new DAdaptAdaGrad(config, rule),
  DAdaptAdam: (config, rule) => new DAdaptAdam(config, rule),
  DAdaptSGD: (config, rule) => new DAdaptSGD(config, rule),
  LARS: (config, rule) => new LARS(config, rule),
  Lamb: (config, rule) => new Lamb(config, rule),
  Lion: (config, rule) => new Lion(config, rule),
  NAdam: (config, rule) => new NAdam(config, rule),
  RAdam: (config, rule) => new RAdam(config, rule),
  RMSprop: (config, rule) => new RMSprop(config, rule),
  Rprop: (config, rule) => new Rprop(config, rule),
  SGD: (config, rule) => new SGD(config, rule),
};

/** The optimiser that `config` describes; `rule` says what single parameters do differently. */
export function buildOptimizer<T extends OptimizerType>(
  config: OptimizerConfig<T>,
  rule?: ParameterRule,
): Optimizer {
  return builders[config.type](config, rule);
}
