/**
 * Computing in a wider element where a runtime has no kernel for the one at hand, and coming back: whole numbers and truth values in 64 bits,
 * float16 in float32. What comes back wraps around as the narrow type would have.
 */

import { type ElementType, isElementType } from '../../element.ts';
import type { FormContext } from '../formContext.ts';
import { defineForm } from '../forms.ts';

/** Inputs that hold the numbers: of most operators the first alone. */
const operands: Readonly<Record<string, readonly number[]>> = { Where: [1, 2] };

/** Operators that ONNX Runtime's processor kernels have for some elements only, and the elements that they lack. */
export const missingKernels: Readonly<Record<string, readonly ElementType[]>> = {
  ArgMax: ['uint32'],
  ArgMin: ['uint32'],
  CumSum: ['uint8', 'uint32'],
  IsInf: ['float16'],
  Neg: ['uint8', 'uint32'],
  ReduceMax: ['uint32'],
  ReduceMin: ['uint32'],
  ReduceProd: ['uint8', 'uint32'],
  ReduceSum: ['uint8', 'uint32'],
  TopK: ['uint32'],
  Where: ['uint32', 'bool'],
};

/** The first input that holds numbers. */
export function operandOf(opType: string): number {
  return operands[opType]?.[0] ?? 0;
}

for (const opType of Object.keys(missingKernels)) {
  defineForm(opType, (context) =>
    context.node.model.dialect.name === 'plain' ? widened(context, opType) : null,
  );
}

function widened(context: FormContext, opType: string): string[] {
  const { model, inputs, attributes, origin, facts, outputCount } = context.node;
  const wide: ElementType =
    context.element(context.name(operandOf(opType))) === 'float16' ? 'float32' : 'int64';
  const numbers = operands[opType] ?? [0];
  const names = inputs.map((name, i) => (numbers.includes(i) ? context.cast(name, wide) : name));
  const results = model.node(opType, names, attributes, origin, outputCount);
  return results.map((name, i) => {
    const type = facts.outputs[i]?.type;
    return type != null && isElementType(type) ? context.cast(name, type) : name;
  });
}
