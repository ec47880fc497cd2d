/** Numbers for tests: the same ones every time. */
import { type HostTensor, hostTensor, type Shape, sizeOf } from '@omma/core';

/** Uniform in [-1, 1), from a small linear generator. */
export function random(shape: Shape, seed: number): HostTensor {
  let state = seed * 2654435761;
  const data = Float32Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2147483648 - 1;
  });
  return hostTensor(shape, 'float32', data);
}
