/**
 * What every op of the table promises, checked from its own samples on the reference device: the gradient is the derivative
 * (central differences in float64), the lowering is the op, bad inputs are refused with the op's message.
 */

import {
  type Attributes,
  allOps,
  applyOp,
  at,
  device,
  eliminateDeadCode,
  fromNumeric,
  type Graph,
  GraphBuilder,
  gradients,
  inferTypes,
  isFloat,
  lowerOp,
  mul,
  type NumericArray,
  numericArray,
  type OpDefinition,
  prepare,
  runNode,
  type Sample,
  sizeOf,
  sum,
  type Tensor,
  type TensorType,
  tensor,
  toNumeric,
  traceInto,
} from '@omma/core';
import { describe, expect, it } from 'vitest';

/** Deterministic numbers in [0, 1). */
function noise(seed: number, i: number): number {
  const x = Math.sin(seed * 127.1 + i * 311.7 + 1) * 43758.5453;
  return x - Math.floor(x);
}

function sampleData(sample: Sample<Attributes>): NumericArray[] {
  return sample.inputs.map(({ shape, dtype = 'float32', low = -1, high = 1, values }, n) => {
    const data = numericArray(dtype, sizeOf(shape));
    for (let i = 0; i < data.length; i++) {
      const value = values?.[i] ?? low + (high - low) * noise(n + 1, i);
      data[i] = isFloat(dtype) ? value : Math.floor(value);
    }
    return toNumeric(dtype, fromNumeric(dtype, data));
  });
}

/** Runs a graph on float64 arrays, without the device's rounding of inputs to float32. */
function run(graph: Graph, inputs: readonly NumericArray[]): NumericArray[] {
  const values = new Map<number, NumericArray>(graph.inputs.map((port, i) => [port.value, at(inputs, i)]));
  const get = (id: number) => {
    const data = values.get(id);
    if (data === undefined) throw new Error(`value %${id}`);
    return data;
  };
  for (const node of graph.nodes) {
    runNode(graph, node, node.inputs.map(get)).forEach((data, i) => {
      values.set(at(node.outputs, i), data);
    });
  }
  return graph.outputs.map((port) => get(port.value));
}

function types(sample: Sample<Attributes>): TensorType[] {
  return sample.inputs.map(({ shape, dtype = 'float32' }) => ({ shape, dtype }));
}

function graphOf(sample: Sample<Attributes>, fn: (inputs: Tensor[]) => readonly Tensor[]): Graph {
  const ports = Object.fromEntries(types(sample).map((type, i) => [String(i), type]));
  const graph = traceInto(
    new GraphBuilder(),
    (named) => Object.fromEntries(fn(Object.values(named)).map((output, i) => [String(i), output])),
    ports,
  );
  return prepare(eliminateDeadCode(graph), device('reference'), { amp: null, onUnsupported: 'error' });
}

/** Every float output against a fixed random weighting: a scalar whose gradient exercises all of them. */
function weighted(outputs: readonly Tensor[]): Tensor {
  const parts = outputs.flatMap((output, o) => {
    if (!isFloat(output.dtype) || output.size === 0) return [];
    const weights = Float32Array.from({ length: output.size }, (_, i) => noise(o + 11, i) - 0.5);
    return [sum(mul(output.cast('float32'), tensor(weights, output.shape)))];
  });
  return parts.reduce((a, b) => a.add(b));
}

function expectClose(actual: NumericArray, expected: NumericArray, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i] ?? 0, expected[i] ?? 0];
    const same = Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
    if (!same) throw new Error(`element ${i} is ${a} but should be ${b}`);
  }
}

function label(sample: Sample<Attributes>, i: number): string {
  return `sample ${i} ${sample.inputs.map((input) => `[${input.shape}]`).join(' ')} ${sample.note ?? ''}`;
}

function isSmooth(definition: OpDefinition, sample: Sample<Attributes>): boolean {
  const floats = types(sample).filter((type) => isFloat(type.dtype));
  return (
    typeof definition.grad !== 'object' &&
    sample.skipGradient === undefined &&
    floats.length > 0 &&
    floats.every((type) => type.dtype === 'float32') &&
    inferTypes(definition, types(sample), sample.attrs).some(
      (type) => isFloat(type.dtype) && sizeOf(type.shape) > 0,
    )
  );
}

describe.each(allOps().map((definition) => [definition.name, definition] as const))('%s', (_, definition) => {
  definition.samples.forEach((sample, i) => {
    const data = sampleData(sample);

    it(`runs ${label(sample, i)}`, () => {
      run(
        graphOf(sample, (inputs) => applyOp(definition, inputs, sample.attrs)),
        data,
      );
    });

    if (definition.lower !== undefined && definition.reference !== undefined) {
      it(`equals its lowering on ${label(sample, i)}`, () => {
        const direct = run(
          graphOf(sample, (inputs) => applyOp(definition, inputs, sample.attrs)),
          data,
        );
        const lowered = run(
          graphOf(sample, (inputs) => lowerOp(definition, inputs, sample.attrs)),
          data,
        );
        const low = types(sample).some((type) => type.dtype !== 'float32' && isFloat(type.dtype));
        direct.forEach((expected, o) => {
          expectClose(at(lowered, o), expected, low ? 3e-2 : 1e-6);
        });
      });
    }

    if (isSmooth(definition, sample)) {
      it(`has the gradient of ${label(sample, i)}`, () => {
        const floats = sample.inputs.flatMap((input, n) => (isFloat(input.dtype ?? 'float32') ? [n] : []));
        const loss = graphOf(sample, (inputs) => [weighted(applyOp(definition, inputs, sample.attrs))]);
        const grads = graphOf(sample, (inputs) =>
          gradients(
            weighted(applyOp(definition, inputs, sample.attrs)),
            floats.map((n) => at(inputs, n)),
          ),
        );
        const analytic = run(grads, data);
        floats.forEach((n, f) => {
          const h = 1e-6;
          const numeric = Float64Array.from(at(data, n), (_value, k) => {
            const moved = (by: number) => {
              const copy = data.map((array, j) => (j === n ? array.slice() : array));
              const target = at(copy, n);
              target[k] = (target[k] ?? 0) + by;
              return run(loss, copy)[0]?.[0] ?? 0;
            };
            return (moved(h) - moved(-h)) / (2 * h);
          });
          expectClose(at(analytic, f), numeric, 1e-5);
        });
      });
    }
  });

  definition.errors.forEach(({ inputs, attrs, message }, i) => {
    it(`refuses bad input ${i}: ${message.source}`, () => {
      expect(() => definition.infer(inputs, attrs)).toThrow(message);
      expect(() => definition.infer(inputs, attrs)).toThrow(`${definition.name}:`);
    });
  });
});
