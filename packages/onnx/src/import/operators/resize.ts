/**
 * Resize and Upsample along the last two axes.
 *
 * ONNX has many ways to place pixels; each is a list of taps an output element, so along an axis every one is a gather (nearest) or a
 * product with a constant matrix (linear, cubic). The ways that core's `resize` has go there, where devices have kernels.
 */

import { at, indexSelect, matmul, resize, type Tensor, tensor, transpose } from '@omma/core';
import type { Importer, NodeContext } from '../context.ts';
import { planar } from './geometry.ts';

type Mode = 'nearest' | 'linear' | 'cubic';

/** One axis: from `input` to `output` elements, at `scale` output elements an input element. */
interface Axis {
  readonly input: number;
  readonly output: number;
  readonly scale: number;
}

interface Placement {
  readonly mode: Mode;
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubicA: number;
  readonly excludeOutside: boolean;
}

const resizeTo: Importer = (node) => {
  const x = planar(node, node.tensor(0));
  node.refuse('antialias', 0);
  node.refuse('keep_aspect_ratio_policy', 'stretch');
  const mode = knownMode(node);
  const axes = sizes(node, x);
  const placement: Placement = {
    mode,
    coordinates:
      node.opset < 11 || node.node.type === 'Upsample'
        ? 'asymmetric'
        : node.text('coordinate_transformation_mode', 'half_pixel'),
    nearest: node.opset < 11 ? 'floor' : node.text('nearest_mode', 'round_prefer_floor'),
    cubicA: node.number('cubic_coeff_a', -0.75),
    excludeOutside: node.number('exclude_outside', 0) === 1,
  };
  const native = nativeResize(x, axes, placement);
  if (native !== null) return native;
  return axes.reduce((value, axis, i) => along(node, value, i + 2, axis, placement), x);
};

function knownMode(node: NodeContext): Mode {
  const mode = node.text('mode', 'nearest');
  if (mode === 'nearest' || mode === 'linear' || mode === 'cubic') return mode;
  if (mode === 'bilinear') return 'linear';
  return node.fail(`mode ${mode} cannot be imported; nearest, linear and cubic can`);
}

/** Height and width as asked for by sizes or scales; the other axes must keep theirs. */
function sizes(node: NodeContext, x: Tensor): [Axis, Axis] {
  const [scalesAt, sizesAt] = node.node.type === 'Upsample' || node.opset < 11 ? [1, -1] : [2, 3];
  const listed = (index: number, what: string) => {
    const numbers = index < 0 ? null : node.optionalNumbers(index, what);
    return numbers === null || numbers.length === 0 ? null : numbers;
  };
  const extents = listed(sizesAt, 'sizes');
  const scales = extents === null ? (listed(scalesAt, 'scales') ?? node.list('scales')) : null;
  const given = extents ?? scales ?? node.fail('neither sizes nor scales are given');
  const axes = node.list('axes') ?? given.map((_, axis) => axis);
  if (axes.length !== given.length || x.rank !== 4)
    node.fail(
      `it is given ${given.length} sizes or scales for ${axes.length} axes of an input of rank ${x.rank}; expected are as many, of [N, C, H, W]`,
    );
  const result = x.shape.map((input): Axis => ({ input, output: input, scale: 1 }));
  axes.forEach((position, i) => {
    const axis = position < 0 ? position + x.rank : position;
    const input = x.dim(axis);
    const asked = at(given, i);
    const output = extents === null ? Math.floor(input * asked) : asked;
    if (axis < 2 && output !== input) node.fail('batch and channels cannot be resized');
    if (output < 1) node.fail(`axis ${axis} would have ${output} elements`);
    result[axis] = { input, output, scale: extents === null ? asked : output / input };
  });
  return [at(result, 2), at(result, 3)];
}

function nativeResize(x: Tensor, axes: readonly [Axis, Axis], placement: Placement): Tensor | null {
  const exact = axes.every(({ input, output, scale }) => scale === output / input);
  const size = axes.map(({ output }) => output);
  const { mode, coordinates, nearest, cubicA, excludeOutside } = placement;
  if (!exact) return null;
  if (mode === 'nearest') {
    return coordinates === 'asymmetric' && nearest === 'floor' ? resize(x, { size, mode: 'nearest' }) : null;
  }
  const centred =
    coordinates === 'half_pixel' ||
    (coordinates === 'pytorch_half_pixel' && size.every((extent) => extent > 1));
  if (!centred && coordinates !== 'align_corners') return null;
  if (mode === 'cubic' && (cubicA !== -0.75 || excludeOutside)) return null;
  return resize(x, { size, mode: mode === 'linear' ? 'bilinear' : 'bicubic', alignCorners: !centred });
}

function along(node: NodeContext, x: Tensor, axis: number, extents: Axis, placement: Placement): Tensor {
  if (extents.scale === 1) return x;
  const places = Array.from({ length: extents.output }, (_, place) =>
    coordinate(node, place, extents, placement.coordinates),
  );
  if (placement.mode === 'nearest') {
    const indices = places.map((place) =>
      Math.min(Math.max(nearestIndex(node, place, placement.nearest), 0), extents.input - 1),
    );
    return indexSelect(x, tensor(indices, [indices.length], 'int32'), axis);
  }
  const matrix = new Float32Array(extents.output * extents.input);
  places.forEach((place, row) => {
    for (const [index, weight] of taps(place, extents.input, placement)) {
      const within = Math.min(Math.max(index, 0), extents.input - 1);
      matrix[row * extents.input + within] = (matrix[row * extents.input + within] ?? 0) + weight;
    }
  });
  const weights = tensor(matrix, [extents.output, extents.input]);
  return axis === 2 ? matmul(weights, x) : matmul(x, transpose(weights));
}

/**
 * Where output element `place` lies among the input's, by the formulas of ONNX's Resize. Each step is rounded to float32, as runtimes
 * compute it: whether a coordinate falls on a whole number decides what `floor` and `ceil` give.
 */
function coordinate(node: NodeContext, place: number, { input, output, scale }: Axis, mode: string): number {
  const centre = () => Math.fround(Math.fround((place + 0.5) / scale) - 0.5);
  switch (mode) {
    case 'half_pixel':
      return centre();
    case 'pytorch_half_pixel':
      return output > 1 ? centre() : 0;
    case 'align_corners':
      return output > 1 ? Math.fround((place * (input - 1)) / (output - 1)) : 0;
    case 'asymmetric':
      return Math.fround(place / scale);
    case 'half_pixel_symmetric':
      return (input / 2) * (1 - output / (scale * input)) + centre();
    default:
      return node.fail(`coordinate_transformation_mode ${mode} cannot be imported`);
  }
}

function nearestIndex(node: NodeContext, place: number, mode: string): number {
  switch (mode) {
    case 'round_prefer_floor':
      return Math.ceil(place - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(place + 0.5);
    case 'floor':
      return Math.floor(place);
    case 'ceil':
      return Math.ceil(place);
    default:
      return node.fail(`nearest_mode ${mode} is not known`);
  }
}

/** Input elements, which may lie outside, and their weights. */
function taps(place: number, input: number, placement: Placement): (readonly [number, number])[] {
  const base = Math.floor(place);
  const fraction = place - base;
  const found =
    placement.mode === 'linear'
      ? [[base, 1 - fraction] as const, [base + 1, fraction] as const]
      : cubicWeights(fraction, placement.cubicA).map((weight, i) => [base - 1 + i, weight] as const);
  if (!placement.excludeOutside) return found;
  const inside = found.filter(([index]) => index >= 0 && index < input);
  const total = inside.reduce((sum, [, weight]) => sum + weight, 0);
  return inside.map(([index, weight]) => [index, weight / total] as const);
}

/** Keys' cubic convolution kernel at the four taps around a fraction. */
function cubicWeights(fraction: number, a: number): number[] {
  const near = (t: number) => ((a + 2) * t - (a + 3)) * t * t + 1;
  const far = (t: number) => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  return [far(fraction + 1), near(fraction), near(1 - fraction), far(2 - fraction)];
}

export const resizing: Readonly<Record<string, Importer>> = { Resize: resizeTo, Upsample: resizeTo };
