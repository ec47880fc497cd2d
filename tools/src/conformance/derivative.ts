/** The reference gradient of one sample against central differences along random directions, all in float64. */

import { at, device, type NumericArray, prepare } from '@omma/core';
import { fill } from '../golden/fill.ts';
import { runFloat64, widened } from './float64.ts';
import { fail, type Outcome, pass } from './result.ts';
import { floatInputs, gradientGraph, inputValues, lossGraph, type SampledOp } from './sampleGraph.ts';

const step = 1e-6;
const tolerance = 1e-4;
/** Directions tried for each input; each mixes all of its elements. */
const directions = 2;

export function checkDerivative(sampled: SampledOp): Outcome {
  const options = { amp: null, onUnsupported: 'error' } as const;
  const loss = prepare(lossGraph(sampled), device('reference'), options);
  const gradient = prepare(gradientGraph(sampled), device('reference'), options);
  const inputs = widened(inputValues(sampled));
  const lossAt = (values: readonly NumericArray[]) => at(runFloat64(loss, values), 0)[0] ?? Number.NaN;
  const gradients = runFloat64(gradient, inputs);
  for (const [g, input] of floatInputs(sampled).entries()) {
    for (let d = 0; d < directions; d++) {
      const direction = fill(`conformance/direction/${d}`, at(inputs, input).length, -1, 1);
      const moved = (by: number) =>
        inputs.map((data, i) => (i === input ? along(data, direction, by) : data));
      const measured = (lossAt(moved(step)) - lossAt(moved(-step))) / (2 * step);
      const computed = dot(at(gradients, g), direction);
      if (!(Math.abs(measured - computed) <= tolerance * Math.max(1, Math.abs(measured)))) {
        return fail(
          `gradient of input ${input} is ${computed} along direction ${d}, but differences give ${measured}`,
        );
      }
    }
  }
  return pass;
}

function along(data: NumericArray, direction: Float32Array, by: number): Float64Array {
  return Float64Array.from(data, (value, i) => value + by * (direction[i] ?? 0));
}

function dot(a: NumericArray, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < b.length; i++) total += (a[i] ?? 0) * (b[i] ?? 0);
  return total;
}
