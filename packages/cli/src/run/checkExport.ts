/** An exported model is run in ONNX Runtime and compared with Omma before anything is written; one that computes something else never is. */

import { type HostTensor, hostTensor, OmmaError, sizeOf, type TensorType } from '@omma/core';
import { HostRandom, saltOf } from '@omma/nn';
import { checkOnnx, type OnnxCheck } from '@omma/onnx';
import type { CheckpointModel } from './checkpointModel.ts';

/** Float32 sums in another order differ by about this share of the largest output. */
const tolerance = 1e-3;

/** Compares both on a batch of noise of type `image`. Throws OmmaError when they differ. */
export async function checkExport(
  model: Pick<CheckpointModel, 'step'>,
  bytes: Uint8Array,
  image: TensorType,
): Promise<OnnxCheck> {
  const inputs = { image: noise(image) };
  const check = await checkOnnx(bytes, inputs, await model.step(inputs));
  if (check.largestRelative > tolerance) {
    throw new OmmaError(
      `export: the ONNX model differs from Omma by ${check.largestDifference.toExponential(2)} ` +
        `(${(100 * check.largestRelative).toFixed(2)} % of the largest output), more than ${100 * tolerance} %; nothing was written`,
    );
  }
  return check;
}

/** Bytes, or numbers as normalised pictures have them. */
function noise({ shape, dtype }: TensorType): HostTensor {
  const numbers = new HostRandom(0, saltOf('export')).uniform(sizeOf(shape));
  return dtype === 'uint8'
    ? hostTensor(
        shape,
        dtype,
        Uint8Array.from(numbers, (value) => 256 * value),
      )
    : hostTensor(
        shape,
        dtype,
        numbers.map((value) => 4 * value - 2),
      );
}
