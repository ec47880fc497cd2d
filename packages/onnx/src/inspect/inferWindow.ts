/** Inference for convolution, pooling, resizing and matrix products. */

import type { Extents } from './facts.ts';
import type { InferContext, Inferred } from './inferContext.ts';

type Rule = (node: InferContext) => readonly Inferred[];

/** Extents after sliding a window along each spatial axis, as `kernel`, pads, strides and dilations of the node say. */
function slid(
  node: InferContext,
  shape: readonly (number | null)[],
  kernel: readonly (number | null)[],
): (number | null)[] {
  const spatial = shape.slice(2);
  const [strides, dilations, pads] = [
    node.numbers('strides'),
    node.numbers('dilations'),
    node.numbers('pads'),
  ];
  const same = node.text('auto_pad', 'NOTSET').startsWith('SAME');
  const round = node.number('ceil_mode', 0) === 1 ? Math.ceil : Math.floor;
  return spatial.map((extent, axis) => {
    const size = kernel[axis] ?? null;
    if (extent === null || size === null) return null;
    const stride = strides?.[axis] ?? 1;
    if (same) return Math.ceil(extent / stride);
    const padding = (pads?.[axis] ?? 0) + (pads?.[axis + spatial.length] ?? 0);
    const reach = (dilations?.[axis] ?? 1) * (size - 1) + 1;
    return round((extent + padding - reach) / stride) + 1;
  });
}

const conv: Rule = (node) => {
  const { shape, type } = node.input(0);
  const weight = node.input(1).shape;
  if (shape === null || weight === null) return [{ type, shape: null }];
  const kernel = node.numbers('kernel_shape') ?? weight.slice(2);
  return [{ type, shape: [shape[0] ?? null, weight[0] ?? null, ...slid(node, shape, kernel)] }];
};

const convTranspose: Rule = (node) => {
  const { shape, type } = node.input(0);
  const weight = node.input(1).shape;
  if (shape === null || weight === null) return [{ type, shape: null }];
  const kernel = node.numbers('kernel_shape') ?? weight.slice(2);
  const [strides, dilations, pads, extra, wanted] = [
    node.numbers('strides'),
    node.numbers('dilations'),
    node.numbers('pads'),
    node.numbers('output_padding'),
    node.numbers('output_shape'),
  ];
  const spatial = shape.slice(2).map((extent, axis) => {
    const size = kernel[axis] ?? null;
    if (wanted !== null) return wanted[axis] ?? null;
    if (extent === null || size === null) return null;
    const padding = (pads?.[axis] ?? 0) + (pads?.[axis + shape.length - 2] ?? 0);
    const reach = (dilations?.[axis] ?? 1) * (size - 1) + 1;
    return (strides?.[axis] ?? 1) * (extent - 1) + reach + (extra?.[axis] ?? 0) - padding;
  });
  const channels = weight[1] ?? null;
  return [
    {
      type,
      shape: [shape[0] ?? null, channels === null ? null : channels * node.number('group', 1), ...spatial],
    },
  ];
};

const pool: Rule = (node) => {
  const { shape, type } = node.input(0);
  const kernel = node.numbers('kernel_shape');
  const pooled =
    shape === null || kernel === null ? null : [...shape.slice(0, 2), ...slid(node, shape, kernel)];
  return [
    { type, shape: pooled },
    { type: 'int64', shape: pooled },
  ];
};

const globalPool: Rule = (node) => {
  const { shape, type } = node.input(0);
  return [{ type, shape: shape?.map((extent, axis) => (axis < 2 ? extent : 1)) ?? null }];
};

const matMul: Rule = (node) => {
  const [a, b] = [node.input(0).shape, node.input(1).shape];
  const { type } = node.input(0);
  if (a === null || b === null || a.length === 0 || b.length === 0) return [{ type, shape: null }];
  const batch = node.broadcast([
    { ...node.input(0), shape: a.slice(0, -2) },
    { ...node.input(1), shape: b.slice(0, -2) },
  ]);
  const rows: Extents = a.length > 1 ? a.slice(-2, -1) : [];
  const columns: Extents = b.length > 1 ? b.slice(-1) : [];
  return [{ type, shape: batch === null ? null : [...batch, ...rows, ...columns] }];
};

const gemm: Rule = (node) => {
  const [a, b] = [node.input(0).shape, node.input(1).shape];
  const rows = a?.[node.number('transA', 0) === 1 ? 1 : 0] ?? null;
  const columns = b?.[node.number('transB', 0) === 1 ? 0 : 1] ?? null;
  return [{ type: node.input(0).type, shape: [rows, columns] }];
};

/** Sizes come as an input; scales are floats, whose numbers are not followed: the rank is kept. */
const resize: Rule = (node) => {
  const { shape, type } = node.input(0);
  const sizes = node.input(3).values;
  return [{ type, shape: sizes ?? shape?.map(() => null) ?? null }];
};

const blocks =
  (factor: (size: number) => readonly [number, number]): Rule =>
  (node) => {
    const { shape, type } = node.input(0);
    const [channels, side] = factor(node.number('blocksize', 1));
    const scale = [1, channels, side, side];
    return [
      {
        type,
        shape: shape?.map((extent, axis) => (extent === null ? null : extent * (scale[axis] ?? 1))) ?? null,
      },
    ];
  };

const roiAlign: Rule = (node) => [
  {
    type: node.input(0).type,
    shape: [
      node.input(1).shape?.[0] ?? null,
      node.input(0).shape?.[1] ?? null,
      node.number('output_height', 1),
      node.number('output_width', 1),
    ],
  },
];

const maxRoiPool: Rule = (node) => [
  {
    type: node.input(0).type,
    shape: [
      node.input(1).shape?.[0] ?? null,
      node.input(0).shape?.[1] ?? null,
      ...(node.numbers('pooled_shape') ?? [null, null]),
    ],
  },
];

const gridSample: Rule = (node) => {
  const [x, grid] = [node.input(0), node.input(1).shape];
  return [
    {
      type: x.type,
      shape: [...(x.shape?.slice(0, 2) ?? [null, null]), grid?.[1] ?? null, grid?.[2] ?? null],
    },
  ];
};

export const windowRules: readonly [string, Rule][] = [
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['MaxPool', pool],
  ['AveragePool', pool],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['MatMul', matMul],
  ['Gemm', gemm],
  ['Resize', resize],
  ['Upsample', (node) => [{ type: node.input(0).type, shape: node.input(0).shape?.map(() => null) ?? null }]],
  ['DepthToSpace', blocks((size) => [1 / size ** 2, size])],
  ['SpaceToDepth', blocks((size) => [size ** 2, 1 / size])],
  ['RoiAlign', roiAlign],
  ['MaxRoiPool', maxRoiPool],
  ['GridSample', gridSample],
  ['NonMaxSuppression', () => [{ type: 'int64', shape: [null, 3] }]],
];
