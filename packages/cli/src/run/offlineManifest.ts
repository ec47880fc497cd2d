/** What lies beside a `.om` file as JSON, because the file format has no place for it: class names, how pictures are prepared, and for which shapes it is. */

import { readFile } from 'node:fs/promises';
import { OmmaError } from '@omma/core';
import type { TransformOptions } from '@omma/cv';
import { z } from 'zod';

const positive = z.int().positive();

const manifestSchema = z.strictObject({
  soc: z.string(),
  classes: z.array(z.string()),
  channels: positive,
  /** Every batch size, height and width that it was compiled for. */
  shapes: z.array(z.tuple([positive, positive, positive])).min(1),
  /** What it takes: bytes [N, H, W, C], or float32 [N, C, H, W] that the host normalises so. */
  input: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('bytes') }),
    z.strictObject({ type: z.literal('normalized'), mean: z.array(z.number()), std: z.array(z.number()) }),
  ]),
  transforms: z.array(
    z.custom<TransformOptions>((value) => typeof value === 'object' && value !== null && 'type' in value),
  ),
});

export type OfflineManifest = z.infer<typeof manifestSchema>;

/** Where the manifest of an offline model lies. */
export function manifestPath(model: string): string {
  return `${model}.json`;
}

/** The manifest of the offline model at `path`. Throws OmmaError when it is missing or not one. */
export async function readManifest(path: string): Promise<OfflineManifest> {
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
