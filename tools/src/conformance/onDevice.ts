/** Running one graph on a device, and how near two devices must come to each other. */

import {
  type Device,
  DeviceError,
  type DType,
  type Graph,
  type HostTensor,
  isFloat,
  prepare,
  toNumeric,
} from '@omma/core';
import { compareNumbers, exact, type Tolerance } from '../golden/compare.ts';
import { inputName, outputName } from './sampleGraph.ts';

/** The graph in ops that the device has, or why it cannot be brought there. */
export function preparedFor(graph: Graph, device: Device): Graph | string {
  try {
    return prepare(graph, device, { amp: null, onUnsupported: 'error' });
  } catch (error) {
    if (error instanceof DeviceError) return error.message;
    throw error;
  }
}

/** Outputs in port order. */
export async function runOn(
  device: Device,
  prepared: Graph,
  inputs: readonly HostTensor[],
): Promise<HostTensor[]> {
  const executable = await device.compile(prepared, { state: new Map() });
  try {
    const outputs = await executable.run(Object.fromEntries(inputs.map((input, i) => [inputName(i), input])));
    return prepared.outputs.map((_, i) => {
      const output = outputs[outputName(i)];
      if (output === undefined) throw new Error(`output ${i} is missing`);
      return output;
    });
  } finally {
    executable.dispose();
  }
}

/** Empty when the outputs agree, else what differs. */
export function difference(
  actual: readonly HostTensor[],
  expected: readonly HostTensor[],
  narrowest: DType,
): string {
  for (const [i, wanted] of expected.entries()) {
    const found = actual[i];
    if (found === undefined || found.dtype !== wanted.dtype || found.shape.join() !== wanted.shape.join()) {
      return `output ${i} is ${found?.dtype}[${found?.shape}] but ${wanted.dtype}[${wanted.shape}] is expected`;
    }
    const tolerance = isFloat(wanted.dtype) ? tolerances[narrowest] : tolerances.int32;
    const { failure } = compareNumbers(
      `output ${i}`,
      toNumeric(found.dtype, found.data),
      toNumeric(wanted.dtype, wanted.data),
      tolerance,
    );
    if (failure !== '') return `output ${i}: ${failure}`;
  }
  return '';
}

/** What a float result may differ by, after the narrowest float type on its way. */
const tolerances: Readonly<Record<DType, Tolerance>> = {
  float32: { absolute: 2e-5, relative: 1e-4 },
  bfloat16: { absolute: 3e-2, relative: 3e-2 },
  float16: { absolute: 4e-3, relative: 4e-3 },
  int32: exact,
  uint32: exact,
  uint8: exact,
  bool: exact,
};

/** The narrowest float type among these; float32 when there is none. */
export function narrowestFloat(dtypes: readonly DType[]): DType {
  if (dtypes.includes('bfloat16')) return 'bfloat16';
  return dtypes.includes('float16') ? 'float16' : 'float32';
}
