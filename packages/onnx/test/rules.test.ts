/** Every op of the table, and its gradient, means the same in ONNX Runtime: checked from the op's own samples, at both opsets. */

import {
  type Attributes,
  add,
  allOps,
  applyOp,
  at,
  cast,
  eliminateDeadCode,
  fromNumeric,
  type Graph,
  gradients,
  type HostTensor,
  hostTensor,
  isFloat,
  mul,
  numericArray,
  OmmaError,
  type OpDefinition,
  type Sample,
  sizeOf,
  sum,
  type Tensor,
  type TensorType,
  tensor,
  toNumeric,
  trace,
} from '@omma/core';
import '@omma/cv';
import { describe, expect, it } from 'vitest';
import { buildStep, plainDialect } from '../src/index.ts';
import { present, runModel, runReference } from './run.ts';

/** Deterministic numbers in [0, 1). */
function noise(seed: number, i: number): number {
  const x = Math.sin(seed * 127.1 + i * 311.7 + 1) * 43758.5453;
  return x - Math.floor(x);
}

function sampleInputs(sample: Sample<Attributes>): Record<string, HostTensor> {
  return Object.fromEntries(
    sample.inputs.map(({ shape, dtype = 'float32', low = -1, high = 1, values }, n) => {
      const data = numericArray(dtype, sizeOf(shape));
      for (let i = 0; i < data.length; i++) {
        const value = values?.[i] ?? low + (high - low) * noise(n + 1, i);
        data[i] = isFloat(dtype) ? value : Math.floor(value);
      }
      return [`input${n}`, hostTensor(shape, dtype, fromNumeric(dtype, data))];
    }),
  );
}

function graphOf(
  inputs: Readonly<Record<string, TensorType>>,
  body: (inputs: Tensor[]) => readonly Tensor[],
): Graph {
  const graph = trace((symbols) => {
    const outputs = body(Object.values(symbols));
    return Object.fromEntries(outputs.map((output, i) => [`output${i}`, output]));
  }, inputs);
  return eliminateDeadCode(graph);
}

/** A scalar that depends on every float output with weights of its own. */
function weightedSum(outputs: readonly Tensor[]): Tensor | null {
  const parts = outputs.flatMap((output, n) => {
    if (!isFloat(output.dtype) || output.size === 0) return [];
    const weights = tensor(
      Float32Array.from({ length: output.size }, (_, i) => 0.5 + noise(n + 50, i)),
      output.shape,
    );
    return [sum(mul(cast(output, 'float32'), weights))];
  });
  return parts.length === 0 ? null : parts.reduce((a, b) => add(a, b));
}

/** Gradients of every float input; null when the op has none. */
function gradientGraph(
  definition: OpDefinition,
  sample: Sample<Attributes>,
  inputs: Record<string, HostTensor>,
) {
  if (typeof definition.grad === 'object') return null;
  try {
    return graphOf(inputs, (symbols) => {
      const floats = symbols.filter(({ dtype }) => isFloat(dtype));
      const loss = weightedSum(applyOp(definition, symbols, sample.attrs));
      return loss === null || floats.length === 0 ? [] : gradients(loss, floats);
    });
  } catch (error) {
    // A rule may decline: customGrad without its user's function.
    if (error instanceof OmmaError && error.name === 'OmmaError') return null;
    throw error;
  }
}

/** What a result may differ by, relative to the largest number in it: rounding of float32, or of the 16-bit type on its way. */
function tolerance(inputs: Readonly<Record<string, HostTensor>>, graph: Graph): number {
  const dtypes = [...Object.values(inputs), ...graph.values].map(({ dtype }) => dtype);
  if (dtypes.includes('bfloat16')) return 3e-2;
  return dtypes.includes('float16') ? 4e-3 : 1e-4;
}

async function agree(graph: Graph, inputs: Record<string, HostTensor>, opset: 13 | 17): Promise<void> {
  if (graph.outputs.length === 0) return;
  const actual = await runModel(buildStep(graph, plainDialect(opset)), new Map(), inputs);
  const expected = await runReference(graph, new Map(), inputs);
  const relative = tolerance(inputs, graph);
  for (const { name } of graph.outputs) {
    const [a, b] = [present(actual[name]), present(expected[name])];
    const [x, y] = [toNumeric(a.dtype, a.data), toNumeric(b.dtype, b.data)];
    const largest = Math.max(1, ...[...y].map((value) => (Number.isFinite(value) ? Math.abs(value) : 0)));
    const allowed = isFloat(b.dtype) ? relative * largest : 0;
    y.forEach((wanted, i) => {
      const found = at([...x], i);
      const same = Object.is(found, wanted) || Math.abs(found - wanted) <= allowed || found === wanted;
      if (!same) throw new Error(`${name}[${i}] is ${found} but should be ${wanted}`);
    });
  }
}

describe.each([17, 13] as const)('opset %i', (opset) => {
  for (const definition of allOps()) {
    it(definition.name, async () => {
      for (const sample of definition.samples) {
        const inputs = sampleInputs(sample);
        const text = JSON.stringify(sample);
        const forward = graphOf(inputs, (symbols) => applyOp(definition, symbols, sample.attrs));
        await expect(agree(forward, inputs, opset), `forward ${text}`).resolves.toBeUndefined();
        const backward = gradientGraph(definition, sample, inputs);
        if (backward === null) continue;
        await expect(agree(backward, inputs, opset), `gradient ${text}`).resolves.toBeUndefined();
      }
    });
  }
});
