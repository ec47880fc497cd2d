/** Reading and writing elements by index. ONNX counts negative indices from the back; core's ops do not. */

import {
  add,
  cast,
  equal,
  expand,
  gather,
  greater,
  indexAdd,
  indexSelect,
  iota,
  less,
  mul,
  normalizeAxis,
  ones,
  reshape,
  scatterAdd,
  sum,
  type Tensor,
  tensor,
  transpose,
  unsqueeze,
  where,
  zeros,
} from '@omma/core';
import type { Importer, NodeContext } from '../context.ts';
import { isKnown, toTensor, type Value } from '../value.ts';

/** Indices as int32, counted from the front of an axis of `extent` elements. */
function fromFront(indices: Value, extent: number): Tensor {
  if (isKnown(indices)) {
    const positions = Array.from(indices.data, (index) => (index < 0 ? index + extent : index));
    return tensor(positions, indices.shape, 'int32');
  }
  const wanted = toTensor(indices);
  return where(less(wanted, 0), add(wanted, extent), wanted);
}

const gatherAlong: Importer = (node) => {
  const x = node.tensor(0);
  const axis = normalizeAxis('Gather', node.number('axis', 0), x.rank);
  const indices = fromFront(node.value(1), x.dim(axis));
  const picked = indexSelect(x, reshape(indices, [indices.size]), axis);
  return reshape(picked, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]);
};

const gatherElements: Importer = (node) => {
  const x = node.tensor(0);
  const axis = normalizeAxis('GatherElements', node.number('axis', 0), x.rank);
  return gather(x, fromFront(node.value(1), x.dim(axis)), axis);
};

/** Written elements replace, or are added. Where ONNX replaces, indices are unique by its own rule, so a sum is a copy. */
function combine(node: NodeContext, x: Tensor, scatter: (onto: Tensor, mark: boolean) => Tensor): Tensor {
  const reduction = node.text('reduction', 'none');
  if (reduction === 'add') return scatter(x, false);
  if (reduction !== 'none') return node.fail(`reduction ${reduction} cannot be imported; none and add can`);
  const nothing = zeros(x.shape, x.dtype);
  return where(greater(scatter(nothing, true), 0), scatter(nothing, false), x);
}

const scatterElements: Importer = (node) => {
  const x = node.tensor(0);
  const axis = normalizeAxis('ScatterElements', node.number('axis', 0), x.rank);
  const indices = fromFront(node.value(1), x.dim(axis));
  const updates = node.tensor(2);
  return combine(node, x, (onto, mark) =>
    scatterAdd(onto, indices, mark ? ones(updates.shape, updates.dtype) : updates, axis),
  );
};

/** The rows that the last axis of `indices` names, as flat positions among the leading `depth` axes of x. */
function flatRows(node: NodeContext, x: Tensor, indices: Tensor): Tensor {
  const depth = indices.dim(-1);
  const strides = Array.from({ length: depth }, (_, axis) =>
    x.shape.slice(axis + 1, depth).reduce((a, b) => a * b, 1),
  );
  const extents = tensor(x.shape.slice(0, depth), [depth], 'int32');
  if (depth > x.rank) node.fail(`its indices have ${depth} numbers but the data has ${x.rank} axes`);
  const positions = where(less(indices, 0), add(indices, extents), indices);
  return reshape(sum(mul(positions, tensor(strides, [depth], 'int32')), { axes: [-1] }), [-1]);
}

const gatherNd: Importer = (node) => {
  if (node.number('batch_dims', 0) !== 0) return node.fail('batch_dims other than 0 cannot be imported');
  const x = node.tensor(0);
  const indices = node.tensor(1);
  const inner = x.shape.slice(indices.dim(-1));
  const rows = indexSelect(reshape(x, [-1, ...inner]), flatRows(node, x, indices), 0);
  return reshape(rows, [...indices.shape.slice(0, -1), ...inner]);
};

const scatterNd: Importer = (node) => {
  const x = node.tensor(0);
  const indices = node.tensor(1);
  const inner = x.shape.slice(indices.dim(-1));
  const rows = flatRows(node, x, indices);
  const updates = reshape(node.tensor(2), [rows.size, ...inner]);
  const scattered = combine(node, x, (onto, mark) =>
    reshape(
      indexAdd(reshape(onto, [-1, ...inner]), rows, mark ? ones(updates.shape, updates.dtype) : updates, 0),
      x.shape,
    ),
  );
  return scattered;
};

/** values = [off, on]; indices outside of the depth give a row of off. */
const oneHotOf: Importer = (node) => {
  const depth = node.numbers(1, 'depth')[0] ?? 0;
  const values = node.tensor(2);
  const indices = node.tensor(0);
  const axis = normalizeAxis('OneHot', node.number('axis', -1), indices.rank + 1);
  const whole = cast(indices, 'int32');
  const positions = where(less(whole, 0), add(whole, depth), whole);
  const hit = equal(unsqueeze(positions, -1), iota([depth]));
  const [off, on] = [
    indexSelect(values, tensor([0], [1], 'int32'), 0),
    indexSelect(values, tensor([1], [1], 'int32'), 0),
  ];
  const spread = where(hit, expand(on, hit.shape), expand(off, hit.shape));
  const order = Array.from({ length: indices.rank }, (_, i) => i);
  order.splice(axis, 0, indices.rank);
  return transpose(spread, order);
};

export const indexing: Readonly<Record<string, Importer>> = {
  Gather: gatherAlong,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  OneHot: oneHotOf,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
};
