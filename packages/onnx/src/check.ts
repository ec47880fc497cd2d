/** Proves an exported model: runs it in ONNX Runtime and compares with numbers from Omma. */

import { formatShape, type HostTensor, OmmaError, sameShape, toNumeric } from '@omma/core';
import { openOnnx } from './runtime.ts';

export interface OutputCheck {
  readonly name: string;
  /** Largest absolute difference of an element. */
  readonly difference: number;
  /** Largest magnitude in the expected output, to judge the difference by. */
  readonly magnitude: number;
}

export interface OnnxCheck {
  readonly outputs: readonly OutputCheck[];
  readonly largestDifference: number;
  /** The largest difference of an output divided by its magnitude. */
  readonly largestRelative: number;
}

/** Runs the model on `inputs` and compares every output in `expected`. Throws when shapes or types differ. */
export async function checkOnnx(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, HostTensor>>,
  expected: Readonly<Record<string, HostTensor>>,
): Promise<OnnxCheck> {
  const model = await openOnnx(bytes);
  try {
    const actual = await model.run(inputs);
    const outputs = Object.entries(expected).map(([name, tensor]) => compare(name, tensor, actual[name]));
    return {
      outputs,
      largestDifference: Math.max(0, ...outputs.map((output) => output.difference)),
      largestRelative: Math.max(
        0,
        ...outputs.map((output) => output.difference / Math.max(output.magnitude, 1e-12)),
      ),
    };
  } finally {
    await model.dispose();
  }
}

function compare(name: string, expected: HostTensor, actual: HostTensor | undefined): OutputCheck {
  if (actual === undefined) throw new OmmaError(`checkOnnx: the model has no output called ${name}`);
  if (!sameShape(expected.shape, actual.shape) || expected.dtype !== actual.dtype) {
    throw new OmmaError(
      `checkOnnx: output ${name} should be ${expected.dtype}${formatShape(expected.shape)} ` +
        `but is ${actual.dtype}${formatShape(actual.shape)} in the exported model`,
    );
  }
  const [a, b] = [toNumeric(expected.dtype, expected.data), toNumeric(actual.dtype, actual.data)];
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < a.length; i++) {
    const [x = 0, y = 0] = [a[i], b[i]];
    if (Number.isNaN(x) && Number.isNaN(y)) continue;
    const distance = x === y ? 0 : Math.abs(x - y);
    difference = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : Math.max(difference, distance);
    if (Number.isFinite(x)) magnitude = Math.max(magnitude, Math.abs(x));
  }
  return { name, difference, magnitude };
}
