/** How the elementwise families are defined: one call an op, with what differs from its siblings. */

import { isFloat } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import type { TensorType } from '../../graph/graph.ts';
import {
  type AmpRule,
  at,
  defineOp,
  type ErrorSample,
  type GradientRule,
  type NoGradient,
  type Sample,
} from '../../op.ts';
import { broadcastShapes } from '../../shape.ts';
import { Tensor } from '../../tensor.ts';
import { mapElements } from '../broadcast.ts';
import { anyInput, floatInput, type NoAttributes, numberInput } from '../check.ts';
import { sameDType } from '../operands.ts';
import { full } from '../source.ts';

/** A number stands for a scalar of the other operand's dtype. */
export type Operand = Tensor | number;

/** `value` as a tensor of `like`'s dtype. Throws when the dtype cannot hold the number. */
export function operand(op: string, value: Operand, like: Tensor): Tensor {
  if (value instanceof Tensor) return value;
  if (!isFloat(like.dtype) && !Number.isInteger(value)) {
    throw new ShapeError(
      `${op}: the number ${value} cannot be ${like.dtype}; cast the tensor to a float dtype first`,
    );
  }
  return full([], value, like.dtype);
}

/** Both operands as tensors; two numbers make float32 scalars. */
export function operands(op: string, a: Operand, b: Operand): [Tensor, Tensor] {
  if (a instanceof Tensor) return [a, operand(op, b, a)];
  if (b instanceof Tensor) return [operand(op, a, b), b];
  const left = full([], a);
  return [left, operand(op, b, left)];
}

type UnaryRule = (x: Tensor, y: Tensor, dy: Tensor) => Tensor;

interface UnarySpec {
  readonly name: string;
  readonly of: (x: number) => number;
  /** Gradient from input, output and the output's gradient. */
  readonly grad: UnaryRule | NoGradient;
  readonly lower?: (x: Tensor) => Tensor;
  readonly amp?: AmpRule;
  /** Integers are fine too. */
  readonly integers?: boolean;
  /** Range of the sample inputs; -2 to 2 unless given. */
  readonly range?: readonly [number, number];
  readonly samples?: readonly Sample<NoAttributes>[];
}

/** Defines an elementwise op of one input without attributes and returns its function. */
export function defineUnary(spec: UnarySpec): (x: Tensor) => Tensor {
  const { name, of, grad, lower, amp = 'follow', integers = false, range = [-2, 2], samples = [] } = spec;
  const [low, high] = range;
  const op = defineOp<NoAttributes>({
    name,
    kind: 'elementwise',
    infer: (inputs) => typeOf(integers ? numberInput(name, inputs) : floatInput(name, inputs)),
    grad: unaryGrad(grad),
    ...(lower === undefined ? {} : { lower: (inputs: readonly Tensor[]) => lower(at(inputs, 0)) }),
    amp,
    reference: mapElements(of),
    samples: [
      { inputs: [{ shape: [3, 5], low, high }], attrs: {} },
      { inputs: [{ shape: [], low, high }], attrs: {}, note: 'scalar' },
      { inputs: [{ shape: [2, 17], low, high, dtype: 'bfloat16' }], attrs: {}, note: '16-bit' },
      ...samples,
    ],
    errors: [
      {
        inputs: [{ shape: [2], dtype: 'bool' }],
        attrs: {},
        message: integers ? /x must hold numbers but is bool\[2\]/ : /x must be float but is bool\[2\]/,
      },
    ],
  });
  return (x) => op.one([x], {});
}

/** Input, output and cotangent handed to a rule of three arguments. */
export function unaryGrad<A>(rule: UnaryRule | NoGradient): GradientRule<A> | NoGradient {
  if (typeof rule === 'object') return rule;
  return (context) => [rule(at(context.inputs, 0), at(context.outputs, 0), context.cotangent())];
}

type BinaryRule = GradientRule<NoAttributes> | NoGradient;

interface BinarySpec {
  readonly name: string;
  readonly of: (a: number, b: number) => number;
  readonly grad: BinaryRule;
  readonly amp?: AmpRule;
  /** What the operands may be: numbers (default), anything of one dtype, floats or bools. */
  readonly accepts?: 'numbers' | 'any' | 'floats' | 'bools';
  /** The result is bool. */
  readonly predicate?: boolean;
  /** Range of the sample inputs a and b; -2 to 2 unless given. */
  readonly range?: readonly [number, number];
  readonly samples?: readonly Sample<NoAttributes>[];
}

/** Defines an elementwise op of two broadcast operands without attributes and returns its function. */
export function defineBinary(spec: BinarySpec): (a: Operand, b: Operand) => Tensor {
  const {
    name,
    of,
    grad,
    amp = 'widest',
    accepts = 'numbers',
    predicate = false,
    range = [-2, 2],
    samples = [],
  } = spec;
  const [low, high] = range;
  const bools = accepts === 'bools';
  const given = (shape: readonly number[]) =>
    bools ? { shape, dtype: 'bool' as const, low: 0, high: 2 } : { shape, low, high };
  const op = defineOp<NoAttributes>({
    name,
    kind: 'elementwise',
    infer: (inputs) => {
      const a = accepted(name, accepts, inputs, 0, 'a');
      const b = accepted(name, accepts, inputs, 1, 'b');
      sameDType(name, { a, b });
      return { shape: broadcastShapes(name, a.shape, b.shape), dtype: predicate ? 'bool' : a.dtype };
    },
    grad,
    amp,
    reference: mapElements(of),
    samples: [
      { inputs: [given([3, 5]), given([3, 5])], attrs: {} },
      { inputs: [given([2, 3, 4]), given([3, 1])], attrs: {}, note: 'broadcast in the middle' },
      { inputs: [given([1, 4]), given([5, 1])], attrs: {}, note: 'broadcast both' },
      { inputs: [given([]), given([6])], attrs: {}, note: 'scalar first' },
      { inputs: [given([6]), given([])], attrs: {}, note: 'scalar second' },
      ...samples,
    ],
    errors: [...dtypeErrors(bools), ...shapeErrors(bools)],
  });
  return (a, b) => op.one(operands(name, a, b), {});
}

function accepted(
  name: string,
  accepts: string,
  inputs: readonly TensorType[],
  index: number,
  label: string,
): TensorType {
  if (accepts === 'floats') return floatInput(name, inputs, index, label);
  if (accepts === 'numbers') return numberInput(name, inputs, index, label);
  const found = anyInput(name, inputs, index, label);
  if (accepts === 'bools' && found.dtype !== 'bool') {
    throw new ShapeError(
      `${name}: ${label} must be bool but is ${found.dtype}; compare it with a number first`,
    );
  }
  return found;
}

function dtypeErrors(bools: boolean): readonly ErrorSample<NoAttributes>[] {
  const float = { shape: [2], dtype: 'float32' } as const;
  if (bools) return [{ inputs: [float, float], attrs: {}, message: /a must be bool but is float32/ }];
  const half = { shape: [2], dtype: 'bfloat16' } as const;
  return [{ inputs: [float, half], attrs: {}, message: /same dtype but are float32\[2\] and bfloat16\[2\]/ }];
}

function shapeErrors(bools: boolean): readonly ErrorSample<NoAttributes>[] {
  const dtype = bools ? 'bool' : 'float32';
  const inputs = [
    { shape: [2, 3], dtype },
    { shape: [4], dtype },
  ] as const;
  return [{ inputs, attrs: {}, message: /shapes \[2, 3\] and \[4\] do not broadcast at axis 1/ }];
}

/** Shape and dtype of a tensor or value, and nothing else of it. */
export function typeOf({ shape, dtype }: TensorType): TensorType {
  return { shape, dtype };
}
