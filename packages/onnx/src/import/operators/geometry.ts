/** What windows share: explicit padding, the padding that `auto_pad` stands for, and the rank that can be imported. */

import { at, type Tensor } from '@omma/core';
import type { NodeContext } from '../context.ts';

export interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

/** An image batch: windows over one or three axes have no counterpart here. */
export function planar(node: NodeContext, x: Tensor): Tensor {
  if (x.rank !== 4)
    return node.fail(`its input should have shape [N, C, H, W] but has [${x.shape.join(', ')}]`);
  return x;
}

/** An attribute of one whole number an axis of the image: strides, dilations, the kernel. */
export function planarPair(
  node: NodeContext,
  name: string,
  otherwise: readonly number[] | null,
): readonly number[] {
  const pair = node.list(name) ?? otherwise ?? node.fail(`attribute ${name} is missing`);
  const least = name === 'output_padding' ? 0 : 1;
  if (pair.length !== 2 || !pair.every((size) => Number.isSafeInteger(size) && size >= least))
    return node.fail(`${name} is [${pair.join(', ')}]; expected are two whole numbers of at least ${least}`);
  return pair;
}

/** Attribute `pads`: [top, left, bottom, right]; zeros where it is left out. */
export function planarPads(node: NodeContext): [number, number, number, number] {
  const pads = node.list('pads') ?? [0, 0, 0, 0];
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  if (pads.length !== 4 || !pads.every(Number.isSafeInteger))
    return node.fail(`pads is [${pads.join(', ')}]; expected are four whole numbers`);
  return [top, left, bottom, right];
}

/** [top, left, bottom, right] of `pads` or `auto_pad`. SAME gives ceil(extent / stride) places. */
export function windowPads(node: NodeContext, x: Tensor, { kernel, stride, dilation }: Window): number[] {
  const auto = node.text('auto_pad', 'NOTSET');
  if (auto === 'NOTSET') {
    const [top, left, bottom, right] = planarPads(node);
    if (Math.min(top, left, bottom, right) < 0)
      return node.fail(`pads [${top}, ${left}, ${bottom}, ${right}] crop; only padding can be imported`);
    return [top, left, bottom, right];
  }
  if (auto === 'VALID') return [0, 0, 0, 0];
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') return node.fail(`auto_pad ${auto} is not known`);
  const sides = [0, 1].map((axis) => {
    const places = Math.ceil(x.dim(axis + 2) / at(stride, axis));
    const reach = (places - 1) * at(stride, axis) + (at(kernel, axis) - 1) * at(dilation, axis) + 1;
    const total = Math.max(0, reach - x.dim(axis + 2));
    const less = Math.floor(total / 2);
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  });
  const [[top = 0, bottom = 0] = [], [left = 0, right = 0] = []] = sides;
  return [top, left, bottom, right];
}
