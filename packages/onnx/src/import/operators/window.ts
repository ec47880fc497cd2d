/** Pooling. */

import { at, avgPool2d, globalAvgPool, max, maxPool2d, pad, type Tensor } from '@omma/core';
import type { Importer, NodeContext } from '../context.ts';
import { planar, planarPair, type Window, windowPads } from './geometry.ts';

function windowOf(node: NodeContext): Window & { readonly ceilMode: boolean } {
  return {
    kernel: planarPair(node, 'kernel_shape', null),
    stride: planarPair(node, 'strides', [1, 1]),
    dilation: planarPair(node, 'dilations', [1, 1]),
    ceilMode: node.number('ceil_mode', 0) === 1,
  };
}

/** Core allows padding up to half of a window, as PyTorch does; ONNX allows more, which is padded beforehand. */
function padAhead(
  x: Tensor,
  [top = 0, left = 0, bottom = 0, right = 0]: readonly number[],
  value: number,
): Tensor {
  return pad(x, {
    pads: [
      [0, 0],
      [0, 0],
      [top, bottom],
      [left, right],
    ],
    value,
  });
}

const maxPool: Importer = (node) => {
  if (node.node.outputs.length > 1 && at(node.node.outputs, 1) !== '')
    return node.fail('its output Indices cannot be imported');
  const x = planar(node, node.tensor(0));
  const window = windowOf(node);
  const pads = windowPads(node, x, window);
  const small = pads.every((side, i) => side * 2 <= at(window.kernel, i % 2));
  if (small) return maxPool2d(x, { ...window, padding: pads });
  return maxPool2d(padAhead(x, pads, Number.NEGATIVE_INFINITY), window);
};

const averagePool: Importer = (node) => {
  const x = planar(node, node.tensor(0));
  const window = windowOf(node);
  if (window.dilation.some((distance) => distance !== 1))
    return node.fail('dilations other than 1 cannot be imported');
  const countIncludePad = node.number('count_include_pad', 0) === 1;
  const pads = windowPads(node, x, window);
  return avgPool2d(x, { ...window, padding: pads, countIncludePad });
};

export const windows: Readonly<Record<string, Importer>> = {
  AveragePool: averagePool,
  GlobalAveragePool: (node) => globalAvgPool(planar(node, node.tensor(0))),
  GlobalMaxPool: (node) => max(planar(node, node.tensor(0)), { axes: [2, 3], keepDims: true }),
  MaxPool: maxPool,
};
