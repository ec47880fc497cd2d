/**
 * Training traces against what PyTorch had in float64: losses, gradient norms, logits, and every parameter and buffer at the end.
 *
 * How far a device may be off depends on the trace. Where an activation lies within rounding of zero, two correct float32 programs
 * disagree about its ReLU; every update multiplies that, by two or by a thousand, as the network and the learning rate will have it. So
 * it is measured: the trace is run again from weights moved by about as much as the sums of one layer are rounded, and what that
 * changes, nobody can ask of a device that computes in float32. PyTorch's own float32 stays within these bounds and not within much less.
 */

import type { Device } from '@omma/core';
import { compareNumbers, type Finding } from './compare.ts';
import { asNumber, asNumbers, asObject, asShape, type JsonObject } from './json.ts';
import { movedMargin, movedWeight } from './moved.ts';
import { initialWeight, readTrace, type TraceRunner, traceRunner } from './trace.ts';

/** What a file says of one quantity: the numbers, how they come from what the device made, and on what scale errors count. */
interface Expectation {
  readonly what: string;
  /** Its name in the result of `TraceRunner.run`. */
  readonly from: string;
  readonly expected: readonly number[];
  readonly scale: number;
  of(numbers: ArrayLike<number>): ArrayLike<number>;
  /** By how much it typically changes between two runs, told from all numbers of both: steadier than one sample of it. */
  typicalChange(before: ArrayLike<number>, after: ArrayLike<number>): number;
}

/** Runs the trace on a device; every number of the file is one finding. */
export async function checkTraining(file: JsonObject, device: Device): Promise<Finding[]> {
  const trace = readTrace(file);
  const expectations = [
    ...stepExpectations(file, trace.steps),
    ...finalExpectations(asObject(file.final, 'final')),
  ];
  const runner = await traceRunner(trace, device);
  const { actual, moved } = await runs(runner, device.name === 'reference' ? 0 : movedRuns).finally(() =>
    runner.dispose(),
  );
  const exactness = device.name === 'reference' ? float64Exactness : float32Exactness;
  return expectations.map(({ what, from, expected, scale, of, typicalChange }) => {
    const made = actual.get(from);
    if (made === undefined)
      return { what, error: Number.POSITIVE_INFINITY, failure: 'the model has nothing of this name' };
    const found = of(made);
    const changes = moved.map((other) => {
      const numbers = other.get(from) ?? [];
      return Math.max(largestChange(found, of(numbers)), typicalChange(made, numbers));
    });
    const absolute = exactness * scale + movedMargin * Math.max(0, ...changes);
    return compareNumbers(what, found, expected, { absolute, relative: exactness });
  });
}

type Numbers = Awaited<ReturnType<TraceRunner['run']>>;

async function runs(runner: TraceRunner, movedOnes: number): Promise<{ actual: Numbers; moved: Numbers[] }> {
  const actual = await runner.run(initialWeight);
  const moved: Numbers[] = [];
  for (let run = 0; run < movedOnes; run++)
    moved.push(await runner.run((name, shape) => movedWeight(name, initialWeight(name, shape), run)));
  return { actual, moved };
}

/** The reference device computes in float64, from float32 weights that the file's float64 has too. */
const float64Exactness = 1e-5;
/** What the README of the files calls fair for float32. */
const float32Exactness = 1e-4;

/** Runs with moved weights. */
const movedRuns = 5;

function stepExpectations(
  file: JsonObject,
  steps: readonly { readonly number: number; readonly expected: JsonObject }[],
): Expectation[] {
  const whole = (what: string, expected: readonly number[]): Expectation => ({
    what,
    from: what,
    expected,
    scale: largest(expected),
    of: (numbers) => numbers,
    typicalChange: () => 0,
  });
  return [
    whole('eval logits', asNumbers(file.eval_logits, 'eval_logits')),
    ...steps.flatMap(({ number, expected }, i) =>
      ['loss', 'grad_norm', 'logits'].map((field) => {
        const [value, path] = [expected[field], `trace[${i}].${field}`];
        const wanted = Array.isArray(value) ? asNumbers(value, path) : [asNumber(value, path)];
        return whole(`${field} of step ${number}`, wanted);
      }),
    ),
  ];
}

/** Of each parameter and buffer the file has the sum, the norm and the first element. */
function finalExpectations(final: JsonObject): Expectation[] {
  return Object.entries(final).flatMap(([name, value]): Expectation[] => {
    const entry = asObject(value, `final.${name}`);
    const number = (field: string) => asNumber(entry[field], `final.${name}.${field}`);
    const size = asShape(entry.shape, `final.${name}.shape`).reduce((product, extent) => product * extent, 1);
    const length = number('l2');
    return [
      {
        what: `final ${name} (sum, l2)`,
        from: name,
        expected: [number('sum'), length],
        scale: length,
        of: sumAndLength,
        typicalChange: lengthOfChange,
      },
      {
        what: `final ${name} (first)`,
        from: name,
        expected: [number('first')],
        scale: length / Math.sqrt(size),
        of: (numbers) => [numbers[0] ?? 0],
        typicalChange: (before, after) => lengthOfChange(before, after) / Math.sqrt(size),
      },
    ];
  });
}

function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, element) => Math.max(most, Math.abs(element)), 0);
}

function sumAndLength(numbers: ArrayLike<number>): [number, number] {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < numbers.length; i++) {
    const element = numbers[i] ?? 0;
    sum += element;
    squares += element * element;
  }
  return [sum, Math.sqrt(squares)];
}

function lengthOfChange(before: ArrayLike<number>, after: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < before.length; i++) squares += ((after[i] ?? Number.NaN) - (before[i] ?? 0)) ** 2;
  return Math.sqrt(squares);
}

function largestChange(before: ArrayLike<number>, after: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < before.length; i++)
    most = Math.max(most, Math.abs((after[i] ?? Number.NaN) - (before[i] ?? 0)));
  return most;
}
