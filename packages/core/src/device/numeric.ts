/** Arrays as reference kernels keep them, and the ways between them and the host's arrays. */

import { type DType, type HostArray, hostArray, isFloat } from '../dtype.ts';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../half.ts';

/** Float64Array for every float dtype, the host's own array for integers. */
export type NumericArray = Float64Array | HostArray;

/** Zeros as reference kernels keep them: float64 for floats, the host's array type for integers. */
export function numericArray(dtype: DType, size: number): NumericArray {
  return isFloat(dtype) ? new Float64Array(size) : hostArray(dtype, size);
}

/** Host numbers widened to what reference kernels work on. */
export function toNumeric(dtype: DType, data: HostArray): NumericArray {
  if (dtype === 'bfloat16') return Float64Array.from(data, fromBfloat16);
  if (dtype === 'float16') return Float64Array.from(data, fromFloat16);
  return isFloat(dtype) ? Float64Array.from(data) : data.slice();
}

/** The reverse of `toNumeric`, rounding to the dtype. */
export function fromNumeric(dtype: DType, data: NumericArray): HostArray {
  const host = hostArray(dtype, data.length);
  if (dtype === 'bfloat16') host.set(Array.from(data, toBfloat16));
  else if (dtype === 'float16') host.set(Array.from(data, toFloat16));
  else host.set(data);
  return host;
}
