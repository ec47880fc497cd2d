/** The plain dialect: any operator of the opset, as ONNX Runtime runs them on every execution provider. */

import type { Dialect, Opset } from './dialect.ts';
import { missingKernels, operandOf } from './forms/widen.ts';

/**
 * bfloat16 is held in float32 and rounded, because neither ONNX Runtime's CPU provider nor its JavaScript binding computes with it.
 */
export function plainDialect(opset: Opset = 17): Dialect {
  return {
    name: 'plain',
    opset,
    minRank: 0,
    longestName: null,
    mergesPictures: false,
    element: (dtype) => (dtype === 'bfloat16' ? 'float32' : dtype),
    allows: ({ opType, inputs }) => {
      const element = inputs[operandOf(opType)]?.type;
      const missing = missingKernels[opType]?.some((type) => type === element) === true;
      return !missing || `ONNX Runtime has no kernel for ${opType} of ${element}`;
    },
  };
}
