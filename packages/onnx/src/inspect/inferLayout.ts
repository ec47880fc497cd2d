/** Inference for the operators that move elements: shapes follow from the arguments' numbers. */

import { type Extents, unknownValue } from './facts.ts';
import { type InferContext, type Inferred, positive } from './inferContext.ts';

type Rule = (node: InferContext) => readonly Inferred[];

const product = (extents: readonly (number | null)[]): number | null =>
  extents.reduce<number | null>(
    (total, extent) => (total === null || extent === null ? null : total * extent),
    1,
  );

const sum = (extents: readonly (number | null)[]): number | null =>
  extents.reduce<number | null>(
    (total, extent) => (total === null || extent === null ? null : total + extent),
    0,
  );

/** A result with the elements of the first input. */
const like = (node: InferContext, shape: Extents): readonly Inferred[] => [
  { type: node.input(0).type, shape },
];

/** What is known of a shape that an input holds: its extents, or only the rank. */
function shapeIn(node: InferContext, index: number): Extents {
  const { values, shape } = node.input(index);
  if (values !== null) return values;
  const rank = shape?.[0] ?? null;
  return rank === null ? null : new Array<null>(rank).fill(null);
}

const reshape: Rule = (node) => {
  const { shape } = node.input(0);
  const target = shapeIn(node, 1);
  if (target === null) return like(node, null);
  const extents = target.map((extent, axis) => {
    if (extent === 0 && node.number('allowzero', 0) === 0) return shape?.[axis] ?? null;
    return extent;
  });
  const open = extents.indexOf(-1);
  if (open < 0) return like(node, extents);
  const rest = product(extents.filter((_, axis) => axis !== open));
  const total = shape === null ? null : product(shape);
  const inferred = rest === null || total === null || rest === 0 ? null : total / rest;
  return like(
    node,
    extents.map((extent, axis) => (axis === open ? inferred : extent)),
  );
};

const transpose: Rule = (node) => {
  const { shape } = node.input(0);
  const perm = node.numbers('perm') ?? shape?.map((_, axis) => shape.length - 1 - axis) ?? null;
  return like(node, perm === null || shape === null ? null : perm.map((axis) => shape[axis] ?? null));
};

const squeeze: Rule = (node) => {
  const { shape } = node.input(0);
  const axes = node.listOf('axes', 1);
  if (shape === null || (axes === null && node.node.inputs[1] != null)) return like(node, null);
  const gone =
    axes?.map((axis) => positive(axis, shape.length)) ?? shape.flatMap((e, axis) => (e === 1 ? [axis] : []));
  return like(
    node,
    shape.filter((_, axis) => !gone.includes(axis)),
  );
};

const unsqueeze: Rule = (node) => {
  const { shape } = node.input(0);
  const axes = node.listOf('axes', 1);
  if (shape === null || axes === null) return like(node, null);
  const rank = shape.length + axes.length;
  const added = axes.map((axis) => positive(axis, rank));
  const rest = [...shape];
  return like(
    node,
    Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : (rest.shift() ?? null))),
  );
};

const flatten: Rule = (node) => {
  const { shape } = node.input(0);
  if (shape === null) return like(node, [null, null]);
  const axis = positive(node.number('axis', 1), shape.length);
  return like(node, [product(shape.slice(0, axis)), product(shape.slice(axis))]);
};

const concat: Rule = (node) => {
  const first = node.input(0).shape;
  if (first === null) return like(node, null);
  const axis = positive(node.number('axis', 0), first.length);
  const along = sum(node.inputs.map(({ shape }) => shape?.[axis] ?? null));
  return like(
    node,
    first.map((extent, i) => (i === axis ? along : extent)),
  );
};

const split: Rule = (node) => {
  const { shape, type } = node.input(0);
  const sizes = node.listOf('split', 1);
  const count = node.node.outputCount;
  const axis = shape === null ? 0 : positive(node.number('axis', 0), shape.length);
  const extent = shape?.[axis] ?? null;
  const even = extent === null || node.node.inputs[1] != null ? null : Math.ceil(extent / count);
  return Array.from({ length: count }, (_, i) => {
    const last = extent !== null && even !== null && i === count - 1 ? extent - even * (count - 1) : even;
    const size = sizes?.[i] ?? last;
    return { type, shape: shape?.map((e, k) => (k === axis ? size : e)) ?? null };
  });
};

const slice: Rule = (node) => {
  const { shape } = node.input(0);
  const starts = node.listOf('starts', 1);
  const ends = node.listOf('ends', 2);
  if (shape === null) return like(node, null);
  if (starts === null || ends === null)
    return like(
      node,
      shape.map(() => null),
    );
  const axes = node.listOf('axes', 3) ?? starts.map((_, axis) => axis);
  const steps = node.input(4).values ?? starts.map(() => 1);
  const extents = [...shape];
  for (const [i, axis] of axes.entries()) {
    const at = positive(axis, shape.length);
    extents[at] = sliced(shape[at] ?? null, starts[i] ?? 0, ends[i] ?? 0, steps[i] ?? 1);
  }
  return like(node, extents);
};

/** How many elements lie between the ends, which may be negative or beyond. */
function sliced(extent: number | null, start: number, end: number, step: number): number | null {
  if (extent === null) return null;
  const clamp = (value: number, low: number, high: number) =>
    Math.min(high, Math.max(low, value < 0 ? value + extent : value));
  const [from, to] =
    step > 0
      ? [clamp(start, 0, extent), clamp(end, 0, extent)]
      : [clamp(start, 0, extent - 1), clamp(end, -1, extent - 1)];
  return Math.max(0, Math.ceil((to - from) / step));
}

const pad: Rule = (node) => {
  const { shape } = node.input(0);
  const pads = node.listOf('pads', 1);
  if (shape === null) return like(node, null);
  const rank = shape.length;
  return like(
    node,
    shape.map((extent, axis) =>
      extent === null || pads === null ? null : extent + (pads[axis] ?? 0) + (pads[axis + rank] ?? 0),
    ),
  );
};

const gather: Rule = (node) => {
  const [data, indices] = [node.input(0).shape, node.input(1).shape];
  if (data === null || indices === null) return like(node, null);
  const axis = positive(node.number('axis', 0), data.length);
  return like(node, [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)]);
};

const gatherND: Rule = (node) => {
  const [data, indices] = [node.input(0).shape, node.input(1).shape];
  const depth = indices?.at(-1) ?? null;
  if (data === null || indices === null || depth === null) return like(node, null);
  return like(node, [...indices.slice(0, -1), ...data.slice(node.number('batch_dims', 0) + depth)]);
};

const expand: Rule = (node) => {
  const target = shapeIn(node, 1);
  return like(
    node,
    target === null ? null : node.broadcast([node.input(0), { ...unknownValue, shape: target }]),
  );
};

const tile: Rule = (node) => {
  const repeats = node.input(1).values;
  return like(
    node,
    node
      .input(0)
      .shape?.map((extent, axis) =>
        extent === null || repeats === null ? null : extent * (repeats[axis] ?? 1),
      ) ?? null,
  );
};

const oneHot: Rule = (node) => {
  const { shape } = node.input(0);
  if (shape === null) return [{ type: node.input(2).type, shape: null }];
  const axis = positive(node.number('axis', -1), shape.length + 1);
  return [
    {
      type: node.input(2).type,
      shape: [...shape.slice(0, axis), node.input(1).values?.[0] ?? null, ...shape.slice(axis)],
    },
  ];
};

const topK: Rule = (node) => {
  const { shape, type } = node.input(0);
  const k = node.input(1).values?.[0] ?? (node.node.attributes.has('k') ? node.number('k', 1) : null);
  const axis = shape === null ? 0 : positive(node.number('axis', -1), shape.length);
  const kept = shape?.map((extent, i) => (i === axis ? k : extent)) ?? null;
  return [
    { type, shape: kept },
    { type: 'int64', shape: kept },
  ];
};

export const layoutRules: readonly [string, Rule][] = [
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Flatten', flatten],
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Pad', pad],
  ['Gather', gather],
  ['GatherElements', (node) => like(node, node.input(1).shape)],
  ['GatherND', gatherND],
  ['Expand', expand],
  ['Tile', tile],
  ['OneHot', oneHot],
  ['TopK', topK],
  ['Shape', (node) => [{ type: 'int64', shape: [node.input(0).shape?.length ?? null] }]],
  ['Size', () => [{ type: 'int64', shape: [] }]],
  [
    'ConstantOfShape',
    (node) => {
      const value = node.node.attributes.get('value');
      const type =
        typeof value === 'object' && value !== null && 'constant' in value ? value.type : 'float32';
      return [{ type, shape: shapeIn(node, 0) }];
    },
  ],
  ['Range', (node) => [{ type: node.input(0).type, shape: [null] }]],
  ['NonZero', (node) => [{ type: 'int64', shape: [node.input(0).shape?.length ?? null, null] }]],
];
