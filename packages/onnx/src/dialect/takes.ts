/** Questions about operators before anything is written: whether a rule can be used, or its op has to be lowered. */

import type { TensorType } from '@omma/core';
import { unknownValue, type ValueFacts } from '../inspect/facts.ts';
import type { AttributeInput, Dialect } from './dialect.ts';

/** A value that the model would compute, from its type in the graph. */
export function computed(dialect: Dialect, { shape, dtype }: TensorType): ValueFacts {
  return { type: dialect.element(dtype), shape, constant: false, values: null };
}

/** A vector of 64-bit integers: constant when it comes with its numbers. */
export function integerVector(length: number, values: readonly number[] | null = null): ValueFacts {
  return { type: 'int64', shape: [length], constant: values !== null, values };
}

/** Whether the dialect takes the operator on these inputs; null stands for one that is left out. */
export function takes(
  dialect: Dialect,
  opType: string,
  inputs: readonly (ValueFacts | null)[],
  attributes: Readonly<Record<string, Exclude<AttributeInput, { readonly float: number }>>> = {},
): boolean {
  const outputs = [unknownValue];
  const node = {
    name: '',
    domain: '',
    opType,
    attributes: new Map(Object.entries(attributes)),
    inputs,
    outputs,
  };
  return dialect.allows(node) === true;
}
