/**
 * Sums over the ranks inside a graph. A large tensor is summed by itself, where the backward pass leaves it and in the order in which the device keeps
 * it, so that it is never copied; small ones are packed together, because a collective costs a round trip whatever its size.
 */

import { allReduce, concat, pin, reshape, split, type Tensor } from '@omma/core';

/** Elements from which a tensor is large: 256 KiB take about as long to sum as a round trip does. */
const largeFrom = 2 ** 16;

/** The sums of `tensors` over `ranks` processes, by name. Inside `trace`; they are taken in the order of the map, packed ones last. */
export function summed(tensors: ReadonlyMap<string, Tensor>, ranks: number): (name: string) => Tensor {
  const sums = new Map<string, Tensor>();
  const small: [string, Tensor][] = [];
  for (const [name, tensor] of tensors) {
    if (tensor.size >= largeFrom) sums.set(name, allReduce(pin(tensor, 'float32'), ranks));
    else small.push([name, tensor]);
  }
  const flat = small.map(([, tensor]) => reshape(pin(tensor, 'float32'), [tensor.size]));
  const sizes = small.map(([, { size }]) => size);
  const parts = split(allReduce(concat(flat, 0), ranks), sizes);
  small.forEach(([name, { shape }], i) => {
    const part = parts[i];
    if (part !== undefined) sums.set(name, reshape(part, shape));
  });
  return (name) => {
    const sum = sums.get(name);
    if (sum === undefined) throw new Error(`summed: no ${name}`);
    return sum;
  };
}
