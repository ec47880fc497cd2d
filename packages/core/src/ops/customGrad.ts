/** A function with a gradient of the user's own. */

import { OmmaError } from '../errors.ts';
import type { CustomGradient } from '../graph/builder.ts';
import { at, defineOp, type GradientContext } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { currentBuilder } from '../trace.ts';
import { anyInput } from './check.ts';
import { typeOf } from './elementwise/define.ts';

type Rule = { rule: number };

/** Inputs: the result, which it passes on, and the function's inputs, which only its gradient rule looks at. */
const customGradOp = defineOp<Rule>({
  name: 'customGrad',
  kind: 'composite',
  infer: (inputs) => typeOf(anyInput('customGrad', inputs, 0, 'output')),
  grad: ({ inputs, attrs: { rule }, outputs, cotangent }: GradientContext<Rule>) => {
    const backward = currentBuilder()?.customRules[rule];
    if (backward === undefined) {
      throw new OmmaError(
        'customGrad: its rule is known only to the trace that called it; differentiate inside that trace',
      );
    }
    const gradients = backward(cotangent(), inputs.slice(1), at(outputs, 0));
    if (gradients.length !== inputs.length - 1) {
      throw new OmmaError(
        `customGrad: backward must return ${inputs.length - 1} gradients, one an input, but returned ${gradients.length}`,
      );
    }
    return [null, ...gradients];
  },
  lower: (inputs) => at(inputs, 0),
  amp: 'follow',
  samples: [
    { inputs: [{ shape: [2] }, { shape: [2] }], attrs: { rule: 0 }, skipGradient: "the rule is the user's" },
  ],
  errors: [],
});

/**
 * `forward` with `backward` as its gradient: straight-through estimators, clipped gradients, formulas that are better than what
 * differentiation finds. `backward` is written in ops, so it can be differentiated again. Outside of `trace` it is `forward` alone.
 */
export function customGrad(
  forward: (...inputs: readonly Tensor[]) => Tensor,
  backward: CustomGradient,
): (...inputs: readonly Tensor[]) => Tensor {
  return (...inputs) => {
    const output = forward(...inputs);
    const builder = currentBuilder();
    if (builder === null) return output;
    const known = builder.customRules.indexOf(backward);
    const rule = known === -1 ? builder.customRules.push(backward) - 1 : known;
    return customGradOp.one([output, ...inputs], { rule });
  };
}
