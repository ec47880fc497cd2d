/**
 * `omma export`: a checkpoint as an ONNX model. The model is run in ONNX Runtime and compared with Omma before its file appears;
 * one that computes something else is never written.
 */

import { extname } from 'node:path';
import { hostTensor, OmmaError, sizeOf } from '@omma/core';
import { writeAtomically } from '@omma/engine';
import { HostRandom, saltOf } from '@omma/nn';
import { checkOnnx, type OnnxCheck } from '@omma/onnx';
import pc from 'picocolors';
import { type CheckpointModel, openCheckpoint } from '../run/checkpointModel.ts';
import { modelBytes } from '../run/modelBytes.ts';
import { formatBytes } from '../terminal/format.ts';
import { exportOm } from './exportOm.ts';

export interface ExportModelOptions {
  readonly out?: string;
  readonly format?: 'onnx' | 'om';
  readonly opset: string;
  readonly batchSize?: number;
  /** Batch sizes that an offline model is compiled for. */
  readonly dynamicBatch?: readonly number[];
  /** Chip that an offline model is for. */
  readonly socVersion?: string;
  readonly check: boolean;
  readonly device?: string;
  readonly json?: boolean;
}

/** Float32 sums in another order differ by about this share of the largest output. */
const tolerance = 1e-3;

export async function exportModel(checkpoint: string, options: ExportModelOptions): Promise<void> {
  const model = await openCheckpoint(checkpoint, options);
  try {
    if (options.format === 'om') return await exportOm(checkpoint, model, options);
    if (options.socVersion !== undefined || options.dynamicBatch !== undefined)
      throw new OmmaError(
        'export: --soc-version and --dynamic-batch are for offline models; add --format om',
      );
    const bytes = await modelBytes(model, Number(options.opset), options.batchSize);
    const check = options.check ? await checked(model, bytes, options.batchSize ?? 2) : null;
    const out = options.out ?? `${checkpoint.slice(0, checkpoint.length - extname(checkpoint).length)}.onnx`;
    await writeAtomically(out, [bytes]);
    report(out, bytes.length, check, options);
  } finally {
    await model.runner.dispose();
  }
}

/** Compares Omma and ONNX Runtime on a picture of noise; refuses a model that differs. */
async function checked(model: CheckpointModel, bytes: Uint8Array, batch: number): Promise<OnnxCheck> {
  const shape = [batch, ...model.image.shape];
  const noise = new HostRandom(0, saltOf('export')).uniform(sizeOf(shape));
  const pixels = Uint8Array.from(noise, (value) => 256 * value);
  const inputs = { image: hostTensor(shape, 'uint8', pixels) };
  const check = await checkOnnx(bytes, inputs, await model.step(inputs));
  if (check.largestRelative > tolerance) {
    throw new OmmaError(
      `export: the ONNX model differs from Omma by ${check.largestDifference.toExponential(2)} ` +
        `(${(100 * check.largestRelative).toFixed(2)} % of the largest output), more than ${100 * tolerance} %; nothing was written`,
    );
  }
  return check;
}

function report(
  out: string,
  bytes: number,
  check: OnnxCheck | null,
  { opset, batchSize, json }: ExportModelOptions,
): void {
  if (json === true) {
    const difference = check?.largestDifference ?? null;
    process.stdout.write(
      `${JSON.stringify({ file: out, bytes, opset: Number(opset), batchSize: batchSize ?? null, difference })}\n`,
    );
    return;
  }
  const batch = batchSize === undefined ? 'any batch size' : `batch size ${batchSize}`;
  process.stdout.write(`${pc.bold(out)}  ${formatBytes(bytes)}, opset ${opset}, ${batch}\n`);
  process.stdout.write(
    check === null
      ? 'not checked with ONNX Runtime\n'
      : `checked with ONNX Runtime: largest difference ${check.largestDifference.toExponential(2)} ` +
          `(${check.outputs.map(({ name, magnitude }) => `${name} up to ${magnitude.toPrecision(3)}`).join(', ')})\n`,
  );
}
