/**
 * Numbers of integer values that follow from shapes: what exporters compute with Shape, Gather and Concat to reshape by. Only vectors
 * and scalars are followed.
 */

import type { InferContext } from './inferContext.ts';

type Follow = (node: InferContext) => readonly number[] | null;

const same: Follow = (node) => node.input(0).values;

const pairwise =
  (combine: (a: number, b: number) => number): Follow =>
  (node) => {
    const [a, b] = [node.input(0).values, node.input(1).values];
    if (a === null || b === null) return null;
    const length = Math.max(a.length, b.length);
    if ((a.length !== length && a.length !== 1) || (b.length !== length && b.length !== 1)) return null;
    return Array.from({ length }, (_, i) =>
      combine(a[a.length === 1 ? 0 : i] ?? 0, b[b.length === 1 ? 0 : i] ?? 0),
    );
  };

const isVector = (node: InferContext) => (node.input(0).shape?.length ?? 2) <= 1;

const follow: Readonly<Record<string, Follow>> = {
  Cast: same,
  Identity: same,
  Reshape: same,
  Squeeze: same,
  Unsqueeze: same,
  Constant: (node) => node.constant().values,
  Shape: (node) => {
    const { shape } = node.input(0);
    return shape?.every((extent) => extent !== null) === true ? shape : null;
  },
  Gather: (node) => {
    const [data, indices] = [node.input(0).values, node.input(1).values];
    if (data === null || indices === null || !isVector(node)) return null;
    return indices.map((index) => data.at(index) ?? 0);
  },
  Slice: (node) => {
    const data = node.input(0).values;
    const [start] = node.listOf('starts', 1) ?? [];
    const [end] = node.listOf('ends', 2) ?? [];
    if (data === null || start === undefined || end === undefined || !isVector(node)) return null;
    return node.input(4).values?.some((step) => step !== 1) === true ? null : data.slice(start, end);
  },
  Concat: (node) => {
    const parts = node.inputs.map(({ values }) => values);
    return isVector(node) && parts.every((part) => part !== null) ? parts.flat() : null;
  },
  Add: pairwise((a, b) => a + b),
  Sub: pairwise((a, b) => a - b),
  Mul: pairwise((a, b) => a * b),
  Div: pairwise((a, b) => Math.trunc(a / b)),
};

/** The numbers of the node's first output, or null. */
export function known(node: InferContext): readonly number[] | null {
  return follow[node.node.opType]?.(node) ?? null;
}
