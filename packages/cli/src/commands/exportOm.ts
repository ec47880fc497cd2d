/**
 * `omma export --format om`: a checkpoint as an offline model for one Ascend chip, compiled by `atc`. Beside it lies what the file format has no
 * place for: class names, and how pictures are prepared.
 */

import { extname } from 'node:path';
import { cannDialect, exportOffline, offlineTarget } from '@omma/ascend';
import { OmmaError } from '@omma/core';
import { writeAtomically } from '@omma/engine';
import pc from 'picocolors';
import type { CheckpointModel } from '../run/checkpointModel.ts';
import { modelBytes } from '../run/modelBytes.ts';
import { manifestPath, type OfflineManifest } from '../run/offlineModel.ts';
import { thisChip } from '../run/thisChip.ts';
import type { ExportModelOptions } from './export.ts';

export async function exportOm(
  checkpoint: string,
  model: CheckpointModel,
  { out: given, socVersion, batchSize, dynamicBatch, json }: ExportModelOptions,
): Promise<void> {
  if (batchSize !== undefined && dynamicBatch !== undefined)
    throw new OmmaError('export: --batch-size and --dynamic-batch exclude each other; give one');
  const out = given ?? `${checkpoint.slice(0, checkpoint.length - extname(checkpoint).length)}.om`;
  const target = offlineTarget(socVersion ?? thisChip());
  const sizes = dynamicBatch === undefined ? [batchSize ?? 1] : [...dynamicBatch].sort((a, b) => a - b);
  const bytes = await modelBytes(
    model,
    cannDialect(target),
    dynamicBatch === undefined ? sizes[0] : undefined,
  );
  await exportOffline(out, {
    model: bytes,
    target,
    dynamicBatch: dynamicBatch === undefined ? null : { input: 'image', shape: model.image.shape, sizes },
  });
  const manifest: OfflineManifest = {
    soc: target.soc.name,
    classes: [...model.classes],
    image: { shape: [...model.image.shape], dtype: 'uint8' },
    transforms: [...model.transforms],
    batchSizes: sizes,
  };
  await writeAtomically(manifestPath(out), [Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)]);
  const batches = sizes.length === 1 ? `batch size ${sizes[0]}` : `batch sizes ${sizes.join(', ')}`;
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ file: out, soc: target.soc.name, batchSizes: sizes })}\n`
      : `${pc.bold(out)}  for ${target.soc.name}, precision ${target.precision}, ${batches}\n`,
  );
}
