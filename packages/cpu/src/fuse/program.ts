/**
 * The program of a `fusedElementwise` node: what the fusion pass writes and native/src/kernels/elementwise*.cpp runs.
 *
 * Registers 0 to inputs-1 are the node's inputs, step k makes register inputs+k, and `results` names the registers that become the
 * outputs. Inputs broadcast to the outputs, which all have one shape. A step is an elementwise op of the table with its own
 * attributes, or `full {value}`, a scalar constant.
 */

import type { Attributes, DType } from '@omma/core';

/** Type aliases, not interfaces, so that a program is an attribute value as it stands. */
export type ProgramStep = {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly attrs: Attributes;
  readonly dtype: DType;
};

export type Program = {
  readonly steps: readonly ProgramStep[];
  readonly results: readonly number[];
};

/** The ops that programs are made of: all elementwise ops of the table but `stopGradient`, which is nothing to a device. */
export const programOps: ReadonlySet<string> = new Set(
  [
    'neg abs sign exp log log1p sqrt rsqrt reciprocal square sin cos atan tanh erf floor ceil round sigmoid',
    'relu relu6 silu mish hardSwish hardSigmoid softplus leakyRelu elu gelu clamp powScalar cast',
    'logicalNot isFinite logicalAnd logicalOr equal notEqual less lessEqual greater greaterEqual',
    'add sub mul div maximum minimum pow reluGrad where',
  ].flatMap((names) => names.split(' ')),
);
