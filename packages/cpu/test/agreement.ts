/**
 * Kernels against the reference device: one op, its inputs and attributes, run on both, forward and backward.
 *
 * Kernels compute in float32 and round once to the result's type, the reference in float64. So a result may be off by one step of its
 * own type, and by one step of float32 for each of the `terms` numbers of the inputs' size that went into its sum.
 */
import {
  type Attributes,
  applyOp,
  cast,
  compile,
  type Device,
  type DType,
  fromNumeric,
  gradients,
  type HostTensor,
  hostTensor,
  isFloat,
  mul,
  opNamed,
  type SampleInput,
  sizeOf,
  sum,
  type Tensor,
  type TensorRecord,
  tensor,
  toNumeric,
} from '@omma/core';
import { expect } from 'vitest';
import { random } from './random.ts';

export interface Case {
  readonly op: string;
  readonly inputs: readonly SampleInput[];
  readonly attrs: Attributes;
  readonly note?: string;
  /** Inputs whose gradients are compared too. */
  readonly gradients?: readonly number[];
  /** Numbers that one element of a result is the sum of, at most; 16 unless given. */
  readonly terms?: number;
  /** What happens to the tensors before the op sees them. */
  readonly prepare?: (inputs: readonly Tensor[]) => readonly Tensor[];
}

export function titleOf({ op, inputs, attrs, note }: Case): string {
  const types = inputs.map(({ dtype = 'float32', shape }) => `${dtype}[${shape.join()}]`).join(' ');
  return `${op} ${types} ${JSON.stringify(attrs)}${note === undefined ? '' : `: ${note}`}`;
}

/** The case once in each float type: every float input of it. */
export function inEachFloat(one: Case): Case[] {
  return (['float32', 'bfloat16', 'float16'] as const).map((dtype) => ({
    ...one,
    inputs: one.inputs.map((input) => (isFloat(input.dtype ?? 'float32') ? { ...input, dtype } : input)),
  }));
}

export async function expectAgreement(device: Device, one: Case): Promise<void> {
  const inputs = Object.fromEntries(one.inputs.map((input, i) => [`x${i}`, hostOf(input, i + 1)]));
  const names = Object.keys(inputs);
  const graph = (given: TensorRecord): TensorRecord => {
    const sources = names.map((name) => given[name] ?? fail(name));
    const outputs = applyOp(opNamed(one.op), one.prepare?.(sources) ?? sources, one.attrs);
    const results = Object.fromEntries(outputs.map((output, i) => [`y${i}`, output]));
    const first = outputs[0] ?? fail(one.op);
    if (one.gradients === undefined) return results;
    const weights = random(first.shape, 99).data as Float32Array;
    const loss = sum(mul(cast(first, 'float32'), tensor(weights, first.shape)));
    const wanted = one.gradients.map((i) => sources[i] ?? fail(`input ${i}`));
    gradients(loss, wanted).forEach((d, i) => {
      if (d !== null) results[`d${one.gradients?.[i]}`] = d;
    });
    return results;
  };
  const [found, expected] = await Promise.all([device, 'reference'].map((on) => runOn(on, graph, inputs)));
  const magnitude = Math.max(
    1,
    ...one.inputs.map(({ low = -1, high = 1 }) => Math.max(Math.abs(low), Math.abs(high))),
  );
  for (const name of Object.keys(expected ?? {})) {
    expectClose(name, found?.[name], expected?.[name], 2 ** -23 * (one.terms ?? 16) * magnitude);
  }
}

async function runOn(
  device: Device | string,
  graph: (inputs: TensorRecord) => TensorRecord,
  inputs: Record<string, HostTensor>,
) {
  const run = compile(graph, { device });
  try {
    return await run(inputs);
  } finally {
    run.dispose();
  }
}

function expectClose(
  name: string,
  found: HostTensor | undefined,
  expected: HostTensor | undefined,
  absolute: number,
): void {
  if (found === undefined || expected === undefined) fail(name);
  expect(found.shape).toEqual(expected.shape);
  expect(found.dtype).toBe(expected.dtype);
  if (!isFloat(expected.dtype)) {
    expect(found.data).toEqual(expected.data);
    return;
  }
  const [a, b] = [toNumeric(found.dtype, found.data), toNumeric(expected.dtype, expected.data)];
  b.forEach((value, i) => {
    const other = a[i] ?? Number.NaN;
    if (Object.is(value, other) || value === other) return;
    const allowed = absolute + stepOf(expected.dtype) * Math.abs(value);
    if (!(Math.abs(value - other) <= allowed)) {
      throw new Error(`${name}[${i}] is ${other}, the reference has ${value}; ${allowed} apart is allowed`);
    }
  });
}

/** Largest distance of neighbouring numbers, relative to them. */
function stepOf(dtype: DType): number {
  return dtype === 'bfloat16' ? 2 ** -7 : dtype === 'float16' ? 2 ** -10 : 2 ** -23;
}

function hostOf(
  { shape, dtype = 'float32', low = -1, high = 1, values }: SampleInput,
  seed: number,
): HostTensor {
  const numbers =
    values ?? Array.from(random(shape, seed).data, (value) => low + ((value + 1) / 2) * (high - low));
  if (numbers.length !== sizeOf(shape)) fail(`${numbers.length} values for ${shape}`);
  const whole = isFloat(dtype) ? numbers : numbers.map(Math.floor);
  return hostTensor(shape, dtype, fromNumeric(dtype, Float64Array.from(whole)));
}

function fail(what: string): never {
  throw new Error(`missing or wrong: ${what}`);
}
