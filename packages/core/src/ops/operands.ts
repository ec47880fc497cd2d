/** Checks of the ops that take several tensors with fixed layouts. Messages name the op, the operand and its type. */

import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { TensorType } from '../graph/graph.ts';
import { formatType } from '../graph/print.ts';
import { floatInput } from './check.ts';

/** Float input `index`, of `rank` when that is given. `layout` explains the axes, for example `NCHW`. */
export function floatOperand(
  op: string,
  inputs: readonly TensorType[],
  index: number,
  name: string,
  rank?: number,
  layout?: string,
): TensorType {
  const input = floatInput(op, inputs, index, name);
  if (rank !== undefined && input.shape.length !== rank) {
    const axes = layout === undefined ? '' : ` (${layout})`;
    throw new ShapeError(`${op}: ${name} must have rank ${rank}${axes} but is ${formatType(input)}`);
  }
  return input;
}

/** Refuses operands of different dtypes. */
export function sameDType(op: string, named: Readonly<Record<string, TensorType>>): DType {
  const [head, ...rest] = Object.entries(named);
  if (head === undefined) throw new Error(`${op}: sameDType needs an operand`);
  for (const [name, type] of rest) {
    if (type.dtype !== head[1].dtype) {
      throw new ShapeError(
        `${op}: ${head[0]} and ${name} must have the same dtype but are ${formatType(head[1])} and ${formatType(type)}; cast one of them`,
      );
    }
  }
  return head[1].dtype;
}
