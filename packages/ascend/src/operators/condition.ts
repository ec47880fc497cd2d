/** Conditions of the operator table on one node. Three values: what a file does not tell is unknown, and breaks no limit. */

import type { AttributeFact, NodeFacts, ValueFacts } from '@omma/onnx';
import type { Condition } from './schema.ts';
import { listed } from './types.ts';

/** Null: unknown. */
type Truth = boolean | null;

/** Whether the condition holds; null where what it asks about is unknown. Absent inputs and attributes satisfy what is asked of their value. */
export function holds(condition: Condition, node: NodeFacts): Truth {
  if ('any' in condition) return anyOf(condition.any.map((inner) => holds(inner, node)));
  if ('all' in condition) return allOf(condition.all.map((inner) => holds(inner, node)));
  if ('not' in condition) {
    const inner = holds(condition.not, node);
    return inner === null ? null : !inner;
  }
  if ('special' in condition) return lastAxisStepIsOne(node);
  if ('inputs' in condition) return node.inputs.length >= condition.inputs.min;
  if ('outputs' in condition) return node.outputs.length >= condition.outputs.min;
  if ('output' in condition) return (node.outputs[condition.output] ?? null) === null;
  return 'attribute' in condition ? attributeHolds(condition, node) : inputHolds(condition, node);
}

function anyOf(truths: readonly Truth[]): Truth {
  return truths.includes(true) ? true : truths.includes(null) ? null : false;
}

function allOf(truths: readonly Truth[]): Truth {
  return truths.includes(false) ? false : truths.includes(null) ? null : true;
}

function attributeHolds(condition: Extract<Condition, { attribute: string }>, node: NodeFacts): Truth {
  const attribute = node.attributes.get(condition.attribute);
  const asked = (test: (element: number | string) => boolean): Truth =>
    attribute === undefined ? true : (elements(attribute)?.every(test) ?? null);
  if ('in' in condition) return asked((element) => condition.in.includes(element));
  if ('notIn' in condition) return asked((element) => !condition.notIn.includes(element));
  if ('min' in condition || 'max' in condition) {
    return asked((element) => typeof element === 'number' && inRange(element, condition));
  }
  const present = attribute !== undefined;
  return 'absent' in condition && condition.absent === true ? !present : present;
}

function elements(attribute: AttributeFact): readonly (number | string)[] | null {
  if (typeof attribute === 'number' || typeof attribute === 'string') return [attribute];
  return Array.isArray(attribute) ? attribute : null;
}

function inputHolds(condition: Extract<Condition, { input: number }>, node: NodeFacts): Truth {
  const input = node.inputs[condition.input] ?? null;
  const asked = (test: (value: ValueFacts) => Truth): Truth => (input === null ? true : test(input));
  if ('constant' in condition) return asked(({ constant }) => constant);
  if ('rank' in condition)
    return asked(({ shape }) => (shape === null ? null : condition.rank.includes(shape.length)));
  if ('types' in condition)
    return asked(({ type }) => (type === null ? null : listed(condition.types, type) !== 'no'));
  if ('values' in condition) {
    return asked(({ values }) => values?.every((value) => inRange(value, condition.values)) ?? null);
  }
  if ('axis' in condition) {
    return asked(({ shape }) => {
      if (shape === null) return null;
      const extent = shape[condition.axis];
      return extent === undefined ? true : extent === null ? null : inRange(extent, condition);
    });
  }
  return 'absent' in condition && condition.absent === true ? input === null : input !== null;
}

function inRange(
  value: number,
  { min, max }: { min?: number | undefined; max?: number | undefined },
): boolean {
  return value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY);
}

/** Of a Slice: 1 is the step along the last axis. */
function lastAxisStepIsOne(node: NodeFacts): Truth {
  const [data, starts, , axes, steps] = node.inputs;
  if (steps === undefined || steps === null) return true;
  const rank = data?.shape?.length ?? null;
  if (steps.values === null) return null;
  const listedAxes =
    axes == null ? (starts?.shape?.[0] == null ? null : steps.values.map((_, i) => i)) : axes.values;
  if (listedAxes === null) return null;
  const last = listedAxes.findIndex((axis) => axis === -1 || (rank !== null && axis === rank - 1));
  if (last >= 0) return steps.values[last] === 1;
  return rank !== null || steps.values.every((step) => step === 1) ? true : null;
}
