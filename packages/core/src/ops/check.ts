/** The checks that most ops begin with, so that their messages read alike: op, rule, what was found. */

import { type DType, isFloat } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { TensorType } from '../graph/graph.ts';
import { formatType } from '../graph/print.ts';

/** Attributes of an op that has none. */
export type NoAttributes = Readonly<Record<string, never>>;

/** Input `index`, of any dtype. `label` is its name in messages. */
export function anyInput(op: string, inputs: readonly TensorType[], index = 0, label = 'x'): TensorType {
  const found = inputs[index];
  if (found === undefined)
    throw new ShapeError(`${op}: ${label} is missing; ${inputs.length} inputs are given`);
  return found;
}

/** Input `index`, which must be a float tensor. */
export function floatInput(op: string, inputs: readonly TensorType[], index = 0, label = 'x'): TensorType {
  const found = anyInput(op, inputs, index, label);
  if (!isFloat(found.dtype))
    throw new ShapeError(`${op}: ${label} must be float but is ${formatType(found)}; cast it first`);
  return found;
}

/** Input `index`, which must hold numbers, so anything but bool. */
export function numberInput(op: string, inputs: readonly TensorType[], index = 0, label = 'x'): TensorType {
  const found = anyInput(op, inputs, index, label);
  if (found.dtype === 'bool')
    throw new ShapeError(`${op}: ${label} must hold numbers but is ${formatType(found)}; cast it first`);
  return found;
}

/** Input `index`, which must have exactly this dtype. */
export function typedInput(
  op: string,
  inputs: readonly TensorType[],
  index: number,
  label: string,
  dtype: DType,
): TensorType {
  const found = anyInput(op, inputs, index, label);
  if (found.dtype !== dtype)
    throw new ShapeError(`${op}: ${label} must be ${dtype} but is ${formatType(found)}; cast it first`);
  return found;
}
