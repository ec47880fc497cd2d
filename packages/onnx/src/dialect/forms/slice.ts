/**
 * Slices that a target does not take: data of rank 1 gets an axis, a step along the last axis becomes a reshape to groups of that many
 * elements of which one is kept, and negative steps become gathers with constant places.
 */

import { at, type Shape } from '@omma/core';
import type { FormContext } from '../formContext.ts';
import { defineForm } from '../forms.ts';

/** `count` elements along an axis, from `start` on. */
interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

defineForm('Slice', (context) => {
  const data = context.name(0);
  const shape = context.shape(data);
  const cuts = shape === null ? null : cutsOf(context, shape);
  if (shape === null || cuts === null) return null;
  if (shape.length === 1) {
    const row = context.reshape(data, [1, at(shape, 0)]);
    const cut = sliced(
      context,
      row,
      cuts.map((own) => ({ ...own, axis: 1 })),
    );
    return context.reshape(cut, [at(cuts, 0).count]);
  }
  const special = cuts.filter(({ axis, step }) => step < 0 || (step > 1 && axis === shape.length - 1));
  if (special.length === 0) return null;
  const plain = cuts.filter((cut) => !special.includes(cut));
  let result = plain.length === 0 ? data : sliced(context, data, plain);
  for (const cut of special)
    result = cut.step < 0 ? gathered(context, result, cut) : grouped(context, result, cut);
  return result;
});

/** What the node keeps of each axis that it names; null when that is not known. */
function cutsOf(context: FormContext, shape: Shape): Cut[] | null {
  const [starts, ends] = [context.values(1), context.values(2)];
  if (starts === null || ends === null) return null;
  const axes = context.values(3) ?? starts.map((_, i) => i);
  const steps = context.values(4) ?? starts.map(() => 1);
  return axes.map((named, i) => {
    const axis = named < 0 ? named + shape.length : named;
    const extent = at(shape, axis);
    const step = at(steps, i);
    const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1];
    const place = (value: number, least: number) =>
      Math.min(high, Math.max(least, value < 0 ? value + extent : value));
    const start = place(at(starts, i), Math.max(low, 0));
    const count = Math.max(0, Math.ceil((place(at(ends, i), low) - start) / step));
    return { axis, start, step, count };
  });
}

function sliced(context: FormContext, data: string, cuts: readonly Cut[]): string {
  const list = (pick: (cut: Cut) => number) => context.integers(cuts.map(pick));
  return context.emit('Slice', [
    data,
    list(({ start }) => start),
    list(({ start, step, count }) => start + (count - 1) * step + 1),
    list(({ axis }) => axis),
    list(({ step }) => step),
  ]);
}

function gathered(context: FormContext, data: string, { axis, start, step, count }: Cut): string {
  const places = Array.from({ length: count }, (_, i) => start + i * step);
  return context.emit('Gather', [data, context.integers(places)], { axis });
}

/** Every `step`-th element along the last axis. The groups may begin before `start`, so that they end within the data. */
function grouped(context: FormContext, data: string, cut: Cut): string {
  const { axis, start, step, count } = cut;
  const shape = context.shape(data) ?? [];
  const extent = at(shape, axis);
  const kept = Math.min(start, Math.max(0, start + count * step - extent));
  const from = start - kept;
  const missing = Math.max(0, from + count * step - extent);
  const end = from + count * step - missing;
  let source =
    end - from === extent ? data : sliced(context, data, [{ axis, start: from, step: 1, count: end - from }]);
  if (missing > 0) {
    const pads = context.integers([
      ...shape.map(() => 0),
      ...shape.map((_, i) => (i === axis ? missing : 0)),
    ]);
    source = context.emit('Pad', [source, pads], { mode: 'constant' });
  }
  const outer = shape.slice(0, -1);
  const groups = context.reshape(source, [...outer, count, step]);
  const first = sliced(context, groups, [{ axis: axis + 1, start: kept, step: 1, count: 1 }]);
  return context.reshape(first, [...outer, count]);
}
