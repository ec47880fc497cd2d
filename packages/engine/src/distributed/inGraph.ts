/**
 * Averages over the ranks inside a graph. A large tensor is summed by itself, where the backward pass leaves it and in the order in which the device keeps
 * it, so that it is never copied; small ones are packed together, because a collective costs a round trip whatever its size.
 */

import { allReduce, concat, pin, reshape, split, type Tensor } from '@omma/core';

/** Elements from which a tensor is large: 256 KiB take about as long to sum as a round trip does. */
const largeFrom = 2 ** 16;

/** The averages of `tensors` over `ranks` processes, by name. Inside `trace`; the sums are taken in the order of the map, packed ones last. */
export function averaged(tensors: ReadonlyMap<string, Tensor>, ranks: number): (name: string) => Tensor {
  const means = new Map<string, Tensor>();
  const small: [string, Tensor][] = [];
  for (const [name, tensor] of tensors) {
    if (tensor.size >= largeFrom) means.set(name, allReduce(pin(tensor, 'float32'), ranks).div(ranks));
    else small.push([name, tensor]);
  }
  const flat = small.map(([, tensor]) => reshape(pin(tensor, 'float32'), [tensor.size]));
  const sizes = small.map(([, { size }]) => size);
  const parts = split(allReduce(concat(flat, 0), ranks).div(ranks), sizes);
  small.forEach(([name, { shape }], i) => {
    const part = parts[i];
    if (part !== undefined) means.set(name, reshape(part, shape));
  });
  return (name) => {
    const mean = means.get(name);
    if (mean === undefined) throw new Error(`averaged: no ${name}`);
    return mean;
  };
}
