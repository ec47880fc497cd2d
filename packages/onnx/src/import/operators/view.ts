/** Operators that arrange elements without computing with them, and those that make shapes. */

import {
  at,
  concat,
  expand,
  flip,
  full,
  indexSelect,
  normalizeAxes,
  normalizeAxis,
  pad,
  pixelShuffle,
  reshape,
  slice,
  split,
  squeeze,
  type Tensor,
  tensor,
  tile,
  transpose,
} from '@omma/core';
import { dtypeOf, type Importer, type NodeContext } from '../context.ts';
import { isKnown, type Known, knownIntegers, toTensor } from '../value.ts';

/** Axes are an attribute up to opset 12 and an input from 13 on. */
function axesOf(node: NodeContext): readonly number[] | null {
  return node.opset >= 13 ? node.optionalNumbers(1, 'axes') : node.list('axes');
}

const reshapeTo: Importer = (node) => {
  const x = node.tensor(0);
  const allowZero = node.number('allowzero', 0) === 1;
  const asked = node
    .numbers(1, 'shape')
    .map((extent, axis) => (extent === 0 && !allowZero ? x.dim(axis) : extent));
  return reshape(x, asked);
};

const flatten: Importer = (node) => {
  const x = node.tensor(0);
  const given = node.number('axis', 1);
  const axis = given < 0 ? given + x.rank : given;
  const rows = x.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  return reshape(x, [rows, x.size / rows]);
};

const addAxes: Importer = (node) => {
  const x = node.tensor(0);
  const given = axesOf(node) ?? node.fail('axes are missing');
  const axes = normalizeAxes('Unsqueeze', given, x.rank + given.length);
  const rest = [...x.shape];
  return reshape(
    x,
    Array.from({ length: x.rank + axes.length }, (_, axis) =>
      axes.includes(axis) ? 1 : (rest.shift() ?? 1),
    ),
  );
};

const dropAxes: Importer = (node) => {
  const x = node.tensor(0);
  const given = axesOf(node);
  if (given === null) return squeeze(x);
  const axes = normalizeAxes('Squeeze', given, x.rank);
  const wide = axes.find((axis) => x.dim(axis) !== 1);
  if (wide !== undefined) node.fail(`axis ${wide} has ${x.dim(wide)} elements, so it cannot be dropped`);
  return reshape(
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
};

/** Starts, ends, axes and steps are attributes up to opset 9 and inputs from 10 on. A negative step runs over the mirrored axis. */
const sliceOf: Importer = (node) => {
  const list = (index: number, name: string) =>
    node.opset < 10 ? node.list(name) : node.optionalNumbers(index, name);
  const starts = list(1, 'starts') ?? node.fail('starts are missing');
  const ends = list(2, 'ends') ?? node.fail('ends are missing');
  const axes = list(3, 'axes') ?? starts.map((_, axis) => axis);
  const steps = list(4, 'steps') ?? starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length))
    node.fail(
      `starts, ends, axes and steps have ${[starts, ends, axes, steps].map(({ length }) => length).join(', ')} elements; expected are as many`,
    );
  let x = node.tensor(0);
  starts.forEach((start, i) => {
    const axis = normalizeAxis('Slice', at(axes, i), x.rank);
    const extent = x.dim(axis);
    const fromFront = (position: number) => (position < 0 ? position + extent : position);
    const [end, step] = [at(ends, i), at(steps, i)];
    if (step === 0) node.fail('a step is 0');
    if (step > 0) {
      x = slice(x, { starts: [start], ends: [Math.min(end, extent)], steps: [step], axes: [axis] });
      return;
    }
    const last = extent - 1;
    const first = Math.min(Math.max(fromFront(start), -1), last);
    const beyond = Math.max(fromFront(end), -1);
    x = slice(flip(x, [axis]), {
      starts: [last - first],
      ends: [Math.max(last - beyond, 0)],
      steps: [-step],
      axes: [axis],
    });
  });
  return x;
};

const splitInto: Importer = (node) => {
  const x = node.tensor(0);
  const axis = normalizeAxis('Split', node.number('axis', 0), x.rank);
  const given = node.opset >= 13 ? node.optionalNumbers(1, 'split') : node.list('split');
  if (given !== null) return split(x, given, axis);
  const parts = node.number('num_outputs', node.node.outputs.length);
  if (!(parts >= 1 && parts <= Math.max(1, x.dim(axis)) && Number.isInteger(parts)))
    node.fail(
      `num_outputs is ${parts}; expected is a whole number up to ${x.dim(axis)}, the extent of axis ${axis}`,
    );
  const each = Math.ceil(x.dim(axis) / parts);
  return split(
    x,
    Array.from({ length: parts }, (_, i) => Math.min(each, x.dim(axis) - i * each)),
    axis,
  );
};

/** Pads are an attribute up to opset 10 and an input from 11 on. Negative ones crop. */
const padTo: Importer = (node) => {
  const whole = node.tensor(0);
  const listed =
    (node.opset < 11 ? node.list('pads') : node.numbers(1, 'pads')) ?? node.fail('pads are missing');
  const value =
    node.opset < 11 ? node.number('value', 0) : (node.optionalNumbers(2, 'constant_value')?.[0] ?? 0);
  const axes =
    (node.opset >= 18 ? node.optionalNumbers(3, 'axes') : null) ?? whole.shape.map((_, axis) => axis);
  if (listed.length !== 2 * axes.length)
    node.fail(`pads has ${listed.length} elements; expected are ${2 * axes.length}, two an axis`);
  const pads = whole.shape.map(() => [0, 0]);
  axes.forEach((axis, i) => {
    pads[normalizeAxis('Pad', axis, whole.rank)] = [at(listed, i), at(listed, i + axes.length)];
  });
  const x = crop(whole, pads);
  const borders = pads.map((sides) => sides.map((side) => Math.max(side, 0)));
  const mode = node.text('mode', 'constant');
  if (mode === 'constant' || mode === 'reflect') return pad(x, { pads: borders, mode, value });
  if (mode !== 'edge' && mode !== 'wrap') return node.fail(`mode ${mode} is not known`);
  return borders.reduce((padded, [before = 0, after = 0], axis) => {
    const extent = padded.dim(axis);
    const source = (place: number) =>
      mode === 'edge' ? Math.min(Math.max(place, 0), extent - 1) : ((place % extent) + extent) % extent;
    const indices = Array.from({ length: before + extent + after }, (_, place) => source(place - before));
    return before + after === 0
      ? padded
      : indexSelect(padded, tensor(indices, [indices.length], 'int32'), axis);
  }, x);
};

function crop(x: Tensor, pads: readonly (readonly number[])[]): Tensor {
  const starts = pads.map(([before = 0]) => Math.max(-before, 0));
  const ends = pads.map(([, after = 0], axis) => x.dim(axis) + Math.min(after, 0));
  return slice(x, { starts, ends });
}

const shapeOf: Importer = (node) => {
  const { shape } = asType(node);
  const end = node.number('end', shape.length);
  return knownIntegers(shape.slice(node.number('start', 0), end));
};

/** A shape needs no tensor: known numbers stay known. */
function asType(node: NodeContext): { readonly shape: readonly number[] } {
  const value = node.value(0);
  return isKnown(value) ? value : toTensor(value);
}

const constant: Importer = (node) => {
  const stored = node.stored('value');
  if (stored !== null) return stored;
  const { attributes } = node.node;
  const scalar = attributes.get('value_int') ?? attributes.get('value_float');
  const float = attributes.has('value_float') || attributes.has('value_floats');
  const numbers =
    typeof scalar === 'number' ? [scalar] : (node.list('value_ints') ?? node.list('value_floats'));
  if (numbers === null) return node.fail('it holds neither numbers nor a tensor');
  const shape = typeof scalar === 'number' ? [] : [numbers.length];
  if (!float) return knownIntegers(numbers, shape);
  return { shape, type: 'float32', data: Float32Array.from(numbers) } satisfies Known;
};

const constantOfShape: Importer = (node) => {
  const value = node.stored('value') ?? { shape: [1], type: 'float32', data: new Float32Array(1) };
  return full(node.numbers(0, 'shape'), value.data[0] ?? 0, dtypeOf[value.type]);
};

/** start, start + delta, ... up to but not including limit. */
const range: Importer = (node) => {
  const [start = 0] = node.numbers(0, 'start');
  const [limit = 0] = node.numbers(1, 'limit');
  const [delta = 1] = node.numbers(2, 'delta');
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  const { type } = node.known(0, 'start');
  const numbers = Array.from({ length: count }, (_, i) => start + i * delta);
  return type === 'integer'
    ? knownIntegers(numbers)
    : ({ shape: [count], type, data: Float32Array.from(numbers) } satisfies Known);
};

/** Extents broadcast both ways, as NumPy has it. */
const expandTo: Importer = (node) => {
  const x = node.tensor(0);
  const asked = node.numbers(1, 'shape');
  const rank = Math.max(x.rank, asked.length);
  const aligned = (shape: readonly number[]) => [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const [own, other] = [aligned(x.shape), aligned(asked)];
  return expand(
    x,
    own.map((extent, axis) => Math.max(extent, at(other, axis))),
  );
};

const depthToSpace: Importer = (node) => {
  const x = node.tensor(0);
  const block = node.number('blocksize', 1);
  if (node.text('mode', 'DCR') === 'CRD') return pixelShuffle(x, block);
  const [n, c, h, w] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
  const channels = c / block ** 2;
  const parts = transpose(reshape(x, [n, block, block, channels, h, w]), [0, 3, 4, 1, 5, 2]);
  return reshape(parts, [n, channels, h * block, w * block]);
};

const spaceToDepth: Importer = (node) => {
  const x = node.tensor(0);
  const block = node.number('blocksize', 1);
  const [n, c, h, w] = [x.dim(0), x.dim(1), x.dim(2) / block, x.dim(3) / block];
  const parts = transpose(reshape(x, [n, c, h, block, w, block]), [0, 3, 5, 1, 2, 4]);
  return reshape(parts, [n, c * block ** 2, h, w]);
};

export const views: Readonly<Record<string, Importer>> = {
  Concat: (node) => concat(node.values.map(toTensor), node.number('axis', 1)),
  Constant: constant,
  ConstantOfShape: constantOfShape,
  DepthToSpace: depthToSpace,
  Expand: expandTo,
  Flatten: flatten,
  Pad: padTo,
  Range: range,
  Reshape: reshapeTo,
  Shape: shapeOf,
  Size: (node) => knownIntegers([asType(node).shape.reduce((a, b) => a * b, 1)], []),
  Slice: sliceOf,
  SpaceToDepth: spaceToDepth,
  Split: splitInto,
  Squeeze: dropAxes,
  Tile: (node) => tile(node.tensor(0), node.numbers(1, 'repeats')),
  Transpose: (node) => {
    const x = node.tensor(0);
    return transpose(x, node.list('perm') ?? x.shape.map((_, axis) => x.rank - 1 - axis));
  },
  Unsqueeze: addAxes,
};
