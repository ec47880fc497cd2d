/**
 * `omma export`: a checkpoint as an ONNX model. The model is run in ONNX Runtime and compared with Omma before its file appears;
 * one that computes something else is never written.
 */

import { ownSize } from '@omma/classification';
import { eagerDevice, OmmaError } from '@omma/core';
import type { OnnxCheck } from '@omma/onnx';
import { writeAtomically } from '@omma/storage';
import pc from 'picocolors';
import { besideCheckpoint } from '../run/besideCheckpoint.ts';
import { checkExport } from '../run/checkExport.ts';
import { openCheckpoint } from '../run/checkpointModel.ts';
import { modelBytes, pictureType } from '../run/modelBytes.ts';
import { formatBytes } from '../terminal/format.ts';
import { exportOm } from './exportOm.ts';

export interface ExportModelOptions {
  readonly out?: string;
  readonly format?: 'onnx' | 'om';
  readonly opset: string;
  readonly batchSize?: number;
  /** Gears of an offline model: batch sizes; heights and widths; batch sizes, heights and widths. */
  readonly dynamicBatch?: readonly number[];
  readonly dynamicImageSize?: readonly (readonly number[])[];
  readonly dynamicDims?: readonly (readonly number[])[];
  /** Offline models: the chip's AIPP unit normalises pictures. */
  readonly aipp?: boolean;
  /** Chip that an offline model is for. */
  readonly socVersion?: string;
  readonly check: boolean;
  readonly device?: string;
  readonly json?: boolean;
}

export async function exportModel(checkpoint: string, options: ExportModelOptions): Promise<void> {
  // The numbers that the export is compared with: not from a device that would compile for minutes.
  const model = await openCheckpoint(checkpoint, {
    ...options,
    device: options.device ?? eagerDevice().name,
  });
  try {
    if (options.format === 'om') return await exportOm(checkpoint, model, options);
    const { socVersion, dynamicBatch, dynamicImageSize, dynamicDims, aipp } = options;
    if (
      [socVersion, dynamicBatch, dynamicImageSize, dynamicDims, aipp].some((given) => given !== undefined)
    ) {
      throw new OmmaError(
        'export: --soc-version, --dynamic-batch, --dynamic-image-size, --dynamic-dims and --aipp are for offline models; add --format om',
      );
    }
    const size = ownSize(model);
    const form = { batch: options.batchSize ?? null, size, dynamicSize: false, input: 'bytes' } as const;
    const bytes = await modelBytes(model, Number(options.opset), form);
    const image = pictureType(model, 'bytes', form.batch ?? 2, size);
    const check = options.check ? await checkExport(model, bytes, image) : null;
    const out = options.out ?? besideCheckpoint(checkpoint, '.onnx');
    await writeAtomically(out, [bytes]);
    report(out, bytes.length, check, options);
  } finally {
    await model.runner.dispose();
  }
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
