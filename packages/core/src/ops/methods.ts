/** Tensor methods for the ops of core: `x.add(y)` is `add(x, y)`. The interface below is merged into the class. */

import type { DType, HostArray } from '../dtype.ts';
import { evaluate } from '../eager.ts';
import { first } from '../op.ts';
import type { Shape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import * as ops from './index.ts';
import type { Operand, ReductionOptions } from './index.ts';

/** A method for each op of one tensor, one for each of two operands, and the rest written out. */
type UnaryName = (typeof unaryNames)[number];
type BinaryName = (typeof binaryNames)[number];

const unaryNames = [
  'neg', 'abs', 'sign', 'exp', 'log', 'log1p', 'sqrt', 'rsqrt', 'reciprocal', 'square', 'sin', 'cos', 'atan', 'tanh', 'erf',
  'floor', 'ceil', 'round', 'sigmoid', 'relu', 'relu6', 'silu', 'mish', 'hardSwish', 'hardSigmoid', 'softplus', 'logicalNot',
  'isFinite',
] as const;
const binaryNames = [
  'add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'pow', 'equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual',
  'logicalAnd', 'logicalOr',
] as const;

interface OtherMethods {
  powScalar(exponent: number): Tensor;
  leakyRelu(slope?: number): Tensor;
  elu(alpha?: number): Tensor;
  gelu(options?: { approximate?: 'none' | 'tanh' }): Tensor;
  clamp(limits: { min?: number; max?: number }): Tensor;
  cast(dtype: DType): Tensor;
  sum(options?: ReductionOptions): Tensor;
  mean(options?: ReductionOptions): Tensor;
  max(options?: ReductionOptions): Tensor;
  min(options?: ReductionOptions): Tensor;
  argMax(options: { axis: number; keepDims?: boolean }): Tensor;
  argMin(options: { axis: number; keepDims?: boolean }): Tensor;
  sumTo(shape: Shape): Tensor;
  reshape(shape: Shape): Tensor;
  transpose(permutation?: readonly number[]): Tensor;
  expand(shape: Shape): Tensor;
  unsqueeze(axis: number): Tensor;
  squeeze(axis?: number): Tensor;
  prod(options?: ReductionOptions): Tensor;
  variance(options?: ReductionOptions & { correction?: number }): Tensor;
  logSumExp(options?: ReductionOptions): Tensor;
  cumSum(options: { axis: number; reverse?: boolean; exclusive?: boolean }): Tensor;
  softmax(axis: number): Tensor;
  logSoftmax(axis: number): Tensor;
  slice(options: Parameters<typeof ops.slice>[1]): Tensor;
  pad(options: Parameters<typeof ops.pad>[1]): Tensor;
  split(sizes: readonly number[], axis?: number): Tensor[];
  flip(axes: readonly number[]): Tensor;
  roll(shifts: readonly number[], axes: readonly number[]): Tensor;
  tile(repeats: readonly number[]): Tensor;
  gather(indices: Tensor, axis: number): Tensor;
  scatterAdd(indices: Tensor, u: Tensor, axis: number): Tensor;
  indexSelect(indices: Tensor, axis: number): Tensor;
  indexAdd(indices: Tensor, u: Tensor, axis: number): Tensor;
  topK(options: { k: number; axis?: number; largest?: boolean }): { values: Tensor; indices: Tensor };
  sort(options: { axis: number; descending?: boolean }): { values: Tensor; indices: Tensor };
  /** The numbers, computed on the best device. Outside of `trace` only. 16-bit floats come as bit patterns. */
  data(): Promise<HostArray>;
}

type TensorMethods = Record<UnaryName, () => Tensor> & Record<BinaryName, (other: Operand) => Tensor> & OtherMethods;

declare module '../tensor.ts' {
  interface Tensor extends TensorMethods {}
}

const others: OtherMethods & ThisType<Tensor> = {
  powScalar(exponent) {
    return ops.powScalar(this, exponent);
  },
  leakyRelu(slope) {
    return ops.leakyRelu(this, slope);
  },
  elu(alpha) {
    return ops.elu(this, alpha);
  },
  gelu(options) {
    return ops.gelu(this, options);
  },
  clamp(limits) {
    return ops.clamp(this, limits);
  },
  cast(dtype) {
    return ops.cast(this, dtype);
  },
  sum(options) {
    return ops.sum(this, options);
  },
  mean(options) {
    return ops.mean(this, options);
  },
  max(options) {
    return ops.max(this, options);
  },
  min(options) {
    return ops.min(this, options);
  },
  argMax(options) {
    return ops.argMax(this, options);
  },
  argMin(options) {
    return ops.argMin(this, options);
  },
  sumTo(shape) {
    return ops.sumTo(this, shape);
  },
  reshape(shape) {
    return ops.reshape(this, shape);
  },
  transpose(permutation) {
    return ops.transpose(this, permutation);
  },
  expand(shape) {
    return ops.expand(this, shape);
  },
  unsqueeze(axis) {
    return ops.unsqueeze(this, axis);
  },
  squeeze(axis) {
    return ops.squeeze(this, axis);
  },
  prod(options) {
    return ops.prod(this, options);
  },
  variance(options) {
    return ops.variance(this, options);
  },
  logSumExp(options) {
    return ops.logSumExp(this, options);
  },
  cumSum(options) {
    return ops.cumSum(this, options);
  },
  softmax(axis) {
    return ops.softmax(this, axis);
  },
  logSoftmax(axis) {
    return ops.logSoftmax(this, axis);
  },
  slice(options) {
    return ops.slice(this, options);
  },
  pad(options) {
    return ops.pad(this, options);
  },
  split(sizes, axis) {
    return ops.split(this, sizes, axis);
  },
  flip(axes) {
    return ops.flip(this, axes);
  },
  roll(shifts, axes) {
    return ops.roll(this, shifts, axes);
  },
  tile(repeats) {
    return ops.tile(this, repeats);
  },
  gather(indices, axis) {
    return ops.gather(this, indices, axis);
  },
  scatterAdd(indices, u, axis) {
    return ops.scatterAdd(this, indices, u, axis);
  },
  indexSelect(indices, axis) {
    return ops.indexSelect(this, indices, axis);
  },
  indexAdd(indices, u, axis) {
    return ops.indexAdd(this, indices, u, axis);
  },
  topK(options) {
    return ops.topK(this, options);
  },
  sort(options) {
    return ops.sort(this, options);
  },
  async data() {
    return first(await evaluate([this])).data;
  },
};

function attach(name: string, method: (this: Tensor, other: Operand) => Tensor): void {
  Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true });
}

for (const name of unaryNames) {
  attach(name, function () {
    return ops[name](this);
  });
}
for (const name of binaryNames) {
  attach(name, function (other) {
    return ops[name](this, other);
  });
}
Object.assign(Tensor.prototype, others);
