/**
 * Other forms of convolutions and matrix products: in float16 where the matrix unit has no float32, dense where groups are not taken, with
 * a kernel that carries its zeros where dilation is not.
 */

import { at } from '@omma/core';
import type { FormContext } from '../formContext.ts';
import { defineForm } from '../forms.ts';

/** The same product of float16 numbers, where only the element type is in the way. */
function inHalf(context: FormContext): string | null {
  const { facts, inputs, attributes } = context.node;
  if (context.element(context.name(0)) !== 'float32' || !context.allowedAs('float16')) return null;
  const halves = inputs.map((name) =>
    name !== '' && context.element(name) === 'float32' ? context.cast(name, 'float16') : name,
  );
  return context.cast(context.emit(facts.opType, halves, attributes), 'float32');
}

defineForm('MatMul', inHalf);
defineForm('Gemm', inHalf);
defineForm('Conv', (context) => inHalf(context) ?? dense(context, (weight) => at(weight, 0)));
defineForm(
  'ConvTranspose',
  (context) => inHalf(context) ?? dense(context, (weight) => at(weight, 0)) ?? undilated(context),
);

/**
 * One group instead of several: the weight [a, b / groups, ...] becomes [a, b, ...] with zeros outside of its blocks. Groups times the
 * work, on a unit that is made for dense products; the zeros are exact.
 */
function dense(context: FormContext, rowsOf: (weight: readonly number[]) => number): string | null {
  const { facts, attributes } = context.node;
  const groups = context.number('group', 1);
  const [x, weight, ...bias] = context.node.inputs;
  const shape = weight === undefined ? null : context.shape(weight);
  if (groups === 1 || x === undefined || weight === undefined || shape === null) return null;
  const [rows, columns] = [rowsOf(shape), at(shape, 1)];
  const repeated = context.emit('Tile', [
    weight,
    context.integers(shape.map((_, axis) => (axis === 1 ? groups : 1))),
  ]);
  const blocks = Array.from({ length: rows * columns * groups }, (_, i) => {
    const [row, column] = [Math.floor(i / (columns * groups)), i % (columns * groups)];
    return Math.floor(row / (rows / groups)) === Math.floor(column / columns) ? 1 : 0;
  });
  const mask = context.array(blocks, [rows, columns * groups, ...shape.slice(2).map(() => 1)], weight);
  const masked = context.emit('Mul', [repeated, mask]);
  return context.emit(facts.opType, [x, masked, ...bias], { ...attributes, group: 1 });
}

/** The kernel with the zeros that dilation means written into it. */
function undilated(context: FormContext): string | null {
  const { facts, attributes } = context.node;
  const dilations = context.numbers('dilations') ?? [1];
  const [x, weight, ...bias] = context.node.inputs;
  const shape = weight === undefined ? null : context.shape(weight);
  if (dilations.every((dilation) => dilation === 1) || x === undefined || weight === undefined) return null;
  if (shape?.length !== 4) return null;
  const [rows = 1, columns = 1, height = 1, width = 1] = shape;
  const [down = 1, across = down] = dilations;
  const apart = context.reshape(weight, [rows * columns, height, 1, width, 1]);
  const pads = context.integers([0, 0, 0, 0, 0, 0, 0, down - 1, 0, across - 1]);
  const stuffed = context.emit('Pad', [apart, pads, context.scalar(0, weight)], { mode: 'constant' });
  const joined = context.reshape(stuffed, [rows, columns, height * down, width * across]);
  const kernel = [(height - 1) * down + 1, (width - 1) * across + 1];
  const cut = context.emit('Slice', [
    joined,
    context.integers([0, 0]),
    context.integers(kernel),
    context.integers([2, 3]),
    context.integers([1, 1]),
  ]);
  return context.emit(facts.opType, [x, cut, ...bias], {
    ...attributes,
    kernel_shape: kernel,
    dilations: [1, 1],
  });
}
