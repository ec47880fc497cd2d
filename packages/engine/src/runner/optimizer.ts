/** From a config's `optimWrapper` to an optimiser with parameter groups. */

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
  readonly customKeys?: Readonly<Record<string, { readonly lrMult?: number; readonly decayMult?: number }>>;
}
