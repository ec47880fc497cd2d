/** A `.om` file that `omma export` wrote, with the manifest beside it, as something that classifies pictures. */

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { AscendDevice } from '@omma/ascend';
import { device, type HostTensor, hostTensor, OmmaError } from '@omma/core';
import { buildTransforms, type TransformOptions } from '@omma/cv';
import { z } from 'zod';
import type { PictureModel } from './pictures.ts';
import './devices.ts';

const manifestSchema = z.strictObject({
  soc: z.string(),
  classes: z.array(z.string()),
  image: z.strictObject({ shape: z.array(z.int().positive()).length(3), dtype: z.literal('uint8') }),
  transforms: z.array(
    z.custom<TransformOptions>((value) => typeof value === 'object' && value !== null && 'type' in value),
  ),
  batchSizes: z.array(z.int().positive()).min(1),
});

export type OfflineManifest = z.infer<typeof manifestSchema>;

export interface OpenOfflineModel extends PictureModel {
  dispose(): Promise<void>;
}

export function isOfflineModel(path: string): boolean {
  return extname(path).toLowerCase() === '.om';
}

/** Where the manifest of an offline model lies. */
export function manifestPath(model: string): string {
  return `${model}.json`;
}

/** Opens it on `name`, the first Ascend device unless given. */
export async function openOfflineModel(path: string, name = 'ascend'): Promise<OpenOfflineModel> {
  const manifest = await readManifest(path);
  const on = device(name);
  if (!(on instanceof AscendDevice))
    throw new OmmaError(`${path}: offline models run on the device ascend, not on ${name}`);
  const model = await on.openOffline(path);
  const dynamic = model.gears.kind === 'batch';
  const step = async ({ image }: Readonly<Record<string, HostTensor>>) => {
    if (image === undefined) throw new OmmaError(`${path}: no image is given`);
    const bytes = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength);
    const gear = dynamic ? ({ kind: 'batch', size: image.shape[0] ?? 1 } as const) : null;
    const outputs = await model.run({ image: bytes }, gear);
    return Object.fromEntries(
      outputs.flatMap((output) =>
        output.element === 'float32'
          ? [
              [
                output.name,
                hostTensor(output.dims, 'float32', new Float32Array(output.bytes.buffer)),
              ] as const,
            ]
          : [],
      ),
    );
  };
  return {
    classes: manifest.classes,
    image: manifest.image,
    transform: buildTransforms(manifest.transforms),
    batchSizes: manifest.batchSizes,
    step,
    dispose: async () => {
      model.dispose();
      await on.synchronize();
    },
  };
}

async function readManifest(path: string): Promise<OfflineManifest> {
  const file = manifestPath(path);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new OmmaError(
      `${file}: cannot be read (${error.message}); \`omma export --format om\` writes it beside the model`,
    );
  });
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error).replace(/\s+/g, ' ') : String(error);
    throw new OmmaError(
      `${file}: is not the manifest of an offline model (${reason}); export the checkpoint again`,
    );
  }
}
