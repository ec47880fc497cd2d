/**
 * `omma export --format om`: a checkpoint as an offline model for one Ascend chip, compiled by `atc`. Beside it lies what the file format has no
 * place for: class names, and how pictures are prepared.
 */

import { cannDialect, exportOffline, type Gears, type Normalization, offlineTarget } from '@omma/ascend';
import { ownSize, type Size } from '@omma/classification';
import { at, OmmaError } from '@omma/core';
import { writeAtomically } from '@omma/storage';
import pc from 'picocolors';
import { besideCheckpoint } from '../run/besideCheckpoint.ts';
import { checkExport } from '../run/checkExport.ts';
import type { CheckpointModel } from '../run/checkpointModel.ts';
import { type ModelForm, modelBytes, pictureType } from '../run/modelBytes.ts';
import { manifestPath, type OfflineManifest } from '../run/offlineManifest.ts';
import { thisChip } from '../run/thisChip.ts';
import type { ExportModelOptions } from './export.ts';

/** A batch size, a height and a width that the model is compiled for. */
type GearShape = readonly [batch: number, height: number, width: number];

/** What is compiled. */
interface OfflinePlan {
  readonly gears: Gears;
  readonly shapes: readonly GearShape[];
  readonly form: ModelForm;
  readonly aipp: Normalization | null;
  /** What the host does before, when neither the model nor the chip does. */
  readonly onHost: Normalization | null;
}

export async function exportOm(
  checkpoint: string,
  model: CheckpointModel,
  options: ExportModelOptions,
): Promise<void> {
  const out = options.out ?? besideCheckpoint(checkpoint, '.om');
  const plan = planOf(checkpoint, model, options);
  const target = offlineTarget(options.socVersion ?? thisChip());
  const { gears, shapes, form, aipp, onHost } = plan;
  const bytes = await modelBytes(model, cannDialect(target), form);
  if (options.check) {
    for (const [batch, height, width] of shapes)
      await checkExport(model, bytes, pictureType(model, form.input, batch, [height, width]));
  }
  await exportOffline(out, {
    model: bytes,
    target,
    input: { name: 'image', dims: openDims(model, plan) },
    gears,
    aipp,
  });
  const manifest: OfflineManifest = {
    soc: target.soc.name,
    classes: [...model.classes],
    channels: model.image.shape[2] ?? 1,
    shapes: shapes.map(([batch, height, width]) => [batch, height, width]),
    input:
      onHost === null
        ? { type: 'bytes' }
        : { type: 'normalized', mean: [...onHost.mean], std: [...onHost.std] },
    transforms: [...model.transforms],
  };
  await writeAtomically(manifestPath(out), [Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)]);
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ file: out, soc: target.soc.name, gears: gears.kind, shapes, aipp: aipp !== null })}\n`
      : `${pc.bold(out)}  for ${target.soc.name}, precision ${target.precision}, ${described(gears, shapes)}${aipp === null ? '' : ', normalised by AIPP'}\n`,
  );
}

function planOf(checkpoint: string, model: CheckpointModel, options: ExportModelOptions): OfflinePlan {
  const { batchSize = 1, dynamicBatch, dynamicImageSize, dynamicDims, aipp: wantsAipp = false } = options;
  if ([dynamicBatch, dynamicImageSize, dynamicDims].filter((given) => given !== undefined).length > 1)
    throw new OmmaError(
      'export: --dynamic-batch, --dynamic-image-size and --dynamic-dims exclude each other; give one, --dynamic-dims opens all of them',
    );
  if (options.batchSize !== undefined && (dynamicBatch ?? dynamicDims) !== undefined)
    throw new OmmaError(
      `export: --batch-size and ${dynamicBatch === undefined ? '--dynamic-dims' : '--dynamic-batch'} exclude each other; give one`,
    );
  const own = ownSize(model);
  const plan = (gears: Gears, shapes: readonly GearShape[], input: ModelForm['input']): OfflinePlan => {
    const normalization = input === 'bytes' ? null : normalizationOf(checkpoint, model);
    const [, height, width] = at(shapes, 0);
    const dynamicSize = gears.kind === 'image' || gears.kind === 'dims';
    const batch = gears.kind === 'batch' || gears.kind === 'dims' ? null : batchSize;
    return {
      gears,
      shapes,
      form: { batch, size: [height, width], dynamicSize, input },
      aipp: wantsAipp ? normalization : null,
      onHost: wantsAipp ? null : normalization,
    };
  };
  if (dynamicImageSize !== undefined) {
    // The compiler opens height and width of [N, C, H, W] only, and pictures come as [N, H, W, C]: somebody else has to turn and normalise them.
    const sizes = dynamicImageSize.map(([height = 0, width = 0]): Size => [height, width]);
    return plan(
      { kind: 'image', sizes },
      sizes.map(([height, width]) => [batchSize, height, width]),
      'normalized',
    );
  }
  if (dynamicDims !== undefined) {
    if (wantsAipp)
      throw new OmmaError('export: the compiler does not take --aipp with --dynamic-dims; use one of them');
    const shapes = dynamicDims.map(([batch = 0, height = 0, width = 0]): GearShape => [batch, height, width]);
    return plan({ kind: 'dims', dims: shapes }, shapes, 'bytes');
  }
  const input = wantsAipp ? 'normalized' : 'bytes';
  if (dynamicBatch === undefined) return plan({ kind: 'none' }, [[batchSize, ...own]], input);
  const sizes = [...dynamicBatch].sort((a, b) => a - b);
  return plan(
    { kind: 'batch', sizes },
    sizes.map((size) => [size, ...own]),
    input,
  );
}

function normalizationOf(checkpoint: string, { runner }: CheckpointModel): Normalization {
  const { normalization } = runner.model;
  if (normalization !== undefined) return normalization;
  throw new OmmaError(
    `${checkpoint}: the model does not say how it normalises pictures, so neither --aipp nor --dynamic-image-size can; export without them`,
  );
}

/** The dimensions of the model's input, -1 where gears decide. */
function openDims(model: CheckpointModel, { form, shapes }: OfflinePlan): number[] {
  const { shape } = pictureType(model, form.input, at(shapes, 0)[0], form.size);
  const spatial = form.input === 'bytes' ? [1, 2] : [2, 3];
  return shape.map((extent, axis) =>
    (form.batch === null && axis === 0) || (form.dynamicSize && spatial.includes(axis)) ? -1 : extent,
  );
}

function described({ kind }: Gears, shapes: readonly GearShape[]): string {
  const batches = shapes.map(([batch]) => batch);
  if (kind === 'none') return `batch size ${batches[0]}`;
  if (kind === 'batch') return `batch sizes ${batches.join(', ')}`;
  const size = ([batch, ...rest]: GearShape) => (kind === 'image' ? rest : [batch, ...rest]).join('x');
  return `${kind === 'image' ? `batch size ${batches[0]}, pictures of` : 'shapes'} ${shapes.map(size).join(', ')}`;
}
