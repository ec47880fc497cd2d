/** Element by element over the arrays of all ranks, always in rank order, so that every run and every rank gets the same bits. */

import {
  type DType,
  fromBfloat16,
  fromFloat16,
  type HostArray,
  type ReduceOp,
  toBfloat16,
  toFloat16,
} from '@omma/core';

/**
 * Combines arrays of one dtype and length; the first is overwritten and may be the result. float32 sums are rounded after each rank; 16-bit floats are summed in float32 and rounded
 * once; integers wrap around.
 */
export function reduceArrays(parts: readonly HostArray[], dtype: DType, op: ReduceOp): HostArray {
  if (dtype === 'float16') return reduceHalf(parts, op, fromFloat16, toFloat16);
  if (dtype === 'bfloat16') return reduceHalf(parts, op, fromBfloat16, toBfloat16);
  const [first, ...rest] = parts;
  if (first === undefined) throw new Error('reduce: no arrays');
  for (const part of rest) combine(first, part, op);
  return first;
}

function reduceHalf(
  parts: readonly HostArray[],
  op: ReduceOp,
  decode: (pattern: number) => number,
  encode: (value: number) => number,
): HostArray {
  const [first, ...rest] = parts.map((part) => Float32Array.from(part, decode));
  if (first === undefined) throw new Error('reduce: no arrays');
  for (const part of rest) combine(first, part, op);
  return Uint16Array.from(first, encode);
}

function combine(total: HostArray, part: HostArray, op: ReduceOp): void {
  const { length } = total;
  switch (op) {
    case 'sum':
      for (let i = 0; i < length; i++) total[i] = (total[i] ?? 0) + (part[i] ?? 0);
      return;
    case 'prod':
      for (let i = 0; i < length; i++) total[i] = product(total, total[i] ?? 0, part[i] ?? 0);
      return;
    case 'max':
      for (let i = 0; i < length; i++) total[i] = Math.max(total[i] ?? 0, part[i] ?? 0);
      return;
    case 'min':
      for (let i = 0; i < length; i++) total[i] = Math.min(total[i] ?? 0, part[i] ?? 0);
      return;
  }
}

/** Integer products keep their low 32 bits exactly, which a float64 product would not. */
function product(array: HostArray, a: number, b: number): number {
  return array instanceof Float32Array ? a * b : Math.imul(a, b);
}
