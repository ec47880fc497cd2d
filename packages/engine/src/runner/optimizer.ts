/** From a config's `optimWrapper` to an optimiser with parameter groups. */

import {
  Adam,
  AdamW,
  type Optimizer,
  type ParameterOptions,
  type ParameterRule,
  RMSprop,
  SGD,
} from '@omma/nn';

export type OptimizerConfig =
  | {
      readonly type: 'SGD';
      readonly lr: number;
      readonly momentum?: number;
      readonly dampening?: number;
      readonly weightDecay?: number;
      readonly nesterov?: boolean;
    }
  | {
      readonly type: 'Adam' | 'AdamW';
      readonly lr: number;
      readonly betas?: readonly [number, number];
      readonly eps?: number;
      readonly weightDecay?: number;
    }
  | {
      readonly type: 'RMSprop';
      readonly lr: number;
      readonly alpha?: number;
      readonly eps?: number;
      readonly weightDecay?: number;
      readonly momentum?: number;
      readonly centered?: boolean;
    };

export interface ParamwiseConfig {
  /** For biases other than those of normalisation layers. */
  readonly biasLrMult?: number;
  readonly biasDecayMult?: number;
  /** For weights and biases of normalisation layers. */
  readonly normDecayMult?: number;
  /** By parameter name: the longest key that the name contains wins over the rules above. */
  readonly customKeys?: Readonly<Record<string, ParameterOptions>>;
}

/** The optimiser that `config` describes. */
export function buildOptimizer(config: OptimizerConfig, paramwise: ParamwiseConfig = {}): Optimizer {
  const rule = parameterRule(paramwise);
  switch (config.type) {
    case 'SGD':
      return new SGD(config, rule);
    case 'Adam':
      return new Adam(config, rule);
    case 'AdamW':
      return new AdamW(config, rule);
    case 'RMSprop':
      return new RMSprop(config, rule);
  }
}

/** Normalisation parameters are the one-dimensional ones called `weight`, and the biases beside them. */
function parameterRule({
  biasLrMult = 1,
  biasDecayMult = 1,
  normDecayMult = 1,
  customKeys = {},
}: ParamwiseConfig): ParameterRule {
  const keys = Object.keys(customKeys).sort((a, b) => b.length - a.length);
  return (name, parameter, sibling) => {
    const key = keys.find((candidate) => name.includes(candidate));
    if (key !== undefined) return customKeys[key] ?? {};
    const isBias = name === 'bias' || name.endsWith('.bias');
    const weight = isBias ? sibling('weight') : parameter;
    if (weight !== null && weight.shape.length === 1) return { decayMult: normDecayMult };
    return isBias ? { lrMult: biasLrMult, decayMult: biasDecayMult } : {};
  };
}
