/** An optimiser of a user's own is named in a config as those that come with Omma are. */

import { compile, hostTensor, mul, sign, sub, type Tensor } from '@omma/core';
import { Optimizer, type OptimizerOptions, Parameter, type ParameterRule, type UpdateInput } from '@omma/nn';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { buildOptimizer, checkConfig, optimizers, type WithRate } from '../src/index.ts';
import { tinyConfig } from './support/tiny.ts';

interface SignOptions extends OptimizerOptions {
  readonly scale?: number;
}

declare module '../src/index.ts' {
  interface OptimizerTypes {
    SignDescent: WithRate<SignOptions>;
  }
}

class SignDescent extends Optimizer {
  readonly #scale: number;

  constructor(options: SignOptions, rule: ParameterRule = () => ({})) {
    super(options, rule, {});
    this.#scale = options.scale ?? 1;
  }

  protected override update({ value, gradient, lr }: UpdateInput): Tensor {
    return sub(value, mul(sign(gradient), mul(lr, this.#scale)));
  }
}

optimizers.register(
  'SignDescent',
  z.strictObject({ lr: z.number().positive(), scale: z.number().exactOptional() }),
  (options) => (rule) => new SignDescent(options, rule),
);

it('is checked with its options, and built', async () => {
  const optimizer = { type: 'SignDescent', lr: 0.5, scale: 2 } as const;
  const config = { ...tinyConfig('work'), optimWrapper: { optimizer } };
  expect(checkConfig(config).optimWrapper?.optimizer).toEqual(optimizer);
  expect(() => checkConfig({ ...config, optimWrapper: { optimizer: { ...optimizer, scal: 2 } } })).toThrow(
    /optimWrapper\.optimizer\.scal is 2: unknown key; did you mean scale\?/,
  );

  const built = buildOptimizer(optimizer);
  const parameter = new Parameter([2]);
  const step = compile(
    ({ gradient, lr }) => {
      if (gradient !== undefined && lr !== undefined) built.step([['x', parameter]], [gradient], lr);
      return {};
    },
    { device: 'reference' },
  );
  await step({
    gradient: hostTensor([2], 'float32', Float32Array.of(3, -4)),
    lr: hostTensor([], 'float32', Float32Array.of(0.5)),
  });
  expect([...(await parameter.download()).data]).toEqual([-1, 1]);
});
