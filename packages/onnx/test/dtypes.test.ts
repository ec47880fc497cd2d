/** Ops that take several element types mean the same on each of them, also where ONNX Runtime has no kernel for a type. */

import {
  type Attributes,
  allOps,
  applyOp,
  type DType,
  dtypes,
  hostFrom,
  isFloat,
  OmmaError,
  type OpDefinition,
  type Sample,
  ShapeError,
  sizeOf,
  toNumeric,
  trace,
} from '@omma/core';
import '@omma/cv';
import { describe, expect, it } from 'vitest';
import { buildStep, plainDialect } from '../src/index.ts';
import { present, runModel, runReference } from './run.ts';

/** The sample with its float32 inputs as `dtype`; null when the op refuses that. */
function graphWith(definition: OpDefinition, sample: Sample<Attributes>, dtype: DType) {
  const types = sample.inputs.map((input) => ({
    shape: input.shape,
    dtype: input.dtype === undefined ? dtype : input.dtype,
  }));
  try {
    return trace(
      (symbols) => {
        const outputs = applyOp(definition, Object.values(symbols), sample.attrs);
        return Object.fromEntries(outputs.map((output, i) => [`output${i}`, output]));
      },
      Object.fromEntries(types.map((type, i) => [`input${i}`, type])),
    );
  } catch (error) {
    if (error instanceof ShapeError || error instanceof OmmaError) return null;
    throw error;
  }
}

/** Ones and some twos, so that every type holds sums and products of them, and division is defined. */
function numbers(size: number, dtype: DType): number[] {
  return Array.from({ length: size }, (_, i) => (dtype === 'bool' ? (i * 7) % 2 : i % 9 === 4 ? 2 : 1));
}

const tolerances: Readonly<Partial<Record<DType, number>>> = { float32: 1e-4, float16: 4e-3, bfloat16: 3e-2 };

async function agree(definition: OpDefinition, sample: Sample<Attributes>, dtype: DType): Promise<boolean> {
  const graph = graphWith(definition, sample, dtype);
  if (graph === null) return false;
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, value }, i) => {
      const type = present(graph.values[value]);
      const given = present(sample.inputs[i]);
      const literal = given.dtype === undefined ? undefined : given.values;
      return [name, hostFrom(literal ?? numbers(sizeOf(type.shape), type.dtype), type.shape, type.dtype)];
    }),
  );
  const actual = await runModel(buildStep(graph, plainDialect()), new Map(), inputs);
  const expected = await runReference(graph, new Map(), inputs);
  for (const { name } of graph.outputs) {
    const [a, b] = [present(actual[name]), present(expected[name])];
    expect([a.dtype, a.shape]).toEqual([b.dtype, b.shape]);
    const [found, wanted] = [toNumeric(a.dtype, a.data), toNumeric(b.dtype, b.data)];
    const largest = Math.max(1, ...[...wanted].filter(Number.isFinite).map(Math.abs));
    const allowed = isFloat(b.dtype) ? present(tolerances[isFloat(dtype) ? dtype : 'float32']) * largest : 0;
    wanted.forEach((value, i) => {
      const one = found[i] ?? Number.NaN;
      if (Object.is(one, value) || Math.abs(one - value) <= allowed) return;
      throw new Error(`${name}[${i}] is ${one} but should be ${value}`);
    });
  }
  return true;
}

describe.each(dtypes.filter((dtype) => dtype !== 'float32'))('%s', (dtype) => {
  for (const definition of allOps()) {
    const samples = definition.samples.filter(({ inputs }) =>
      inputs.some((input) => input.dtype === undefined),
    );
    const taken = samples.filter((sample) => graphWith(definition, sample, dtype) !== null);
    if (taken.length === 0) continue;
    it(definition.name, async () => {
      for (const sample of taken) {
        await expect(agree(definition, sample, dtype), JSON.stringify(sample)).resolves.toBe(true);
      }
    });
  }
});
