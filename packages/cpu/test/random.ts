/** Numbers for tests: the same ones every time. */
import { type HostTensor, hostTensor, type Shape, sizeOf, threefry2x32 } from '@omma/core';

/** Uniform in [-1, 1). */
export function random(shape: Shape, seed: number): HostTensor {
  const data = Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) => threefry2x32([seed, 0], [0, i])[0] / 2 ** 31 - 1,
  );
  return hostTensor(shape, 'float32', data);
}
