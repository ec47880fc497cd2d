/** The graphs that the suite runs for one sample of an op, and the numbers that go into them. */

import {
  type Attributes,
  add,
  applyOp,
  at,
  cast,
  eliminateDeadCode,
  type Graph,
  GraphBuilder,
  gradients,
  type HostTensor,
  hostFrom,
  inferTypes,
  isFloat,
  lowerOp,
  mul,
  type OpDefinition,
  type Sample,
  type Shape,
  sizeOf,
  sum,
  type Tensor,
  type TensorType,
  tensor,
  traceInto,
} from '@omma/core';
import { fill } from '../golden/fill.ts';

/** One op with one of its samples. */
export interface SampledOp {
  readonly definition: OpDefinition;
  readonly sample: Sample<Attributes>;
  readonly label: string;
}

export function samplesOf(definition: OpDefinition): SampledOp[] {
  return definition.samples.map((sample, i) => {
    const shapes = sample.inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(' ');
    const note = sample.note === undefined ? '' : ` (${sample.note})`;
    return { definition, sample, label: `sample ${i} ${shapes}${note}` };
  });
}

export function inputTypes({ sample }: SampledOp): TensorType[] {
  return sample.inputs.map(({ shape, dtype = 'float32' }) => ({ shape, dtype }));
}

export function outputTypes(sampled: SampledOp): readonly TensorType[] {
  return inferTypes(sampled.definition, inputTypes(sampled), sampled.sample.attrs);
}

/** Indices of the inputs that a gradient can be asked for. */
export function floatInputs(sampled: SampledOp): number[] {
  return inputTypes(sampled).flatMap(({ dtype }, i) => (isFloat(dtype) ? [i] : []));
}

/** The sample's numbers by input: literal ones, or pseudo-random ones from the op's name. */
export function inputValues({ definition, sample }: SampledOp): HostTensor[] {
  return sample.inputs.map(({ shape, dtype = 'float32', low = -1, high = 1, values }, i) => {
    const random = fill(`conformance/${definition.name}/${i}`, sizeOf(shape), low, high);
    const numbers = Array.from(values ?? random, (value) => (isFloat(dtype) ? value : Math.floor(value)));
    return hostFrom(numbers, shape, dtype);
  });
}

export function forwardGraph(sampled: SampledOp): Graph {
  return graphOf(sampled, (inputs) => applyOp(sampled.definition, inputs, sampled.sample.attrs));
}

export function loweredGraph(sampled: SampledOp): Graph {
  return graphOf(sampled, (inputs) => lowerOp(sampled.definition, inputs, sampled.sample.attrs));
}

/** A scalar that depends on every float output with different weights, so that its gradient exercises all of them. */
export function lossGraph(sampled: SampledOp): Graph {
  return graphOf(sampled, (inputs) => [
    weightedSum(applyOp(sampled.definition, inputs, sampled.sample.attrs)),
  ]);
}

/** Gradients of that scalar by every float input. */
export function gradientGraph(sampled: SampledOp): Graph {
  return graphOf(sampled, (inputs) => {
    const loss = weightedSum(applyOp(sampled.definition, inputs, sampled.sample.attrs));
    return gradients(
      loss,
      floatInputs(sampled).map((i) => at(inputs, i)),
    );
  });
}

function graphOf(sampled: SampledOp, body: (inputs: readonly Tensor[]) => readonly Tensor[]): Graph {
  const types = inputTypes(sampled);
  const ports = Object.fromEntries(types.map((type, i) => [inputName(i), type]));
  const graph = traceInto(
    new GraphBuilder(),
    (symbols) => {
      const outputs = body(types.map((_, i) => present(symbols[inputName(i)])));
      return Object.fromEntries(outputs.map((output, i) => [outputName(i), output]));
    },
    ports,
  );
  return eliminateDeadCode(graph);
}

export function inputName(index: number): string {
  return `input${index}`;
}

export function outputName(index: number): string {
  return `output${index}`;
}

function weightedSum(outputs: readonly Tensor[]): Tensor {
  const parts = outputs.flatMap((output, i) => {
    if (!isFloat(output.dtype) || output.size === 0) return [];
    return [sum(mul(cast(output, 'float32'), weights(i, output.shape)))];
  });
  return parts.reduce(add);
}

function weights(output: number, shape: Shape): Tensor {
  return tensor(fill(`conformance/weights/${output}`, sizeOf(shape), 0.5, 1.5), shape);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('an input of the traced function is missing');
  return value;
}
