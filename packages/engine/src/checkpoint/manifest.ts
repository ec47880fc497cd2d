/**
 * The manifest: what a checkpoint says beside its numbers, as JSON in the file's metadata.
 *
 * The format has a number. It grows only when an old reader would misread a new file; a new field that may be missing needs none. Omma reads every
 * format up to its own, by `upgrades`, one step a format, and refuses newer ones with the version that is needed.
 */

import { OmmaError } from '@omma/core';
import { z } from 'zod';

/** The format that is written. */
export const checkpointFormat = 2;

/** Where the manifest lies in the file's metadata. */
export const manifestKey = 'omma';

const manifestSchema = z.object({
  format: z.literal(checkpointFormat),
  version: z.string(),
  epoch: z.int().min(0),
  iterationInEpoch: z.int().min(0),
  iteration: z.int().min(0),
  evaluationDue: z.boolean(),
  /** Samples of a step, all ranks' together, and how many ranks there were; missing in files from before they were written. */
  samplesPerStep: z.int().positive().exactOptional(),
  ranks: z.int().positive().exactOptional(),
  seed: z.int().min(0),
  /** What hooks keep, by their names. */
  hooks: z.record(z.string(), z.unknown()).default({}),
  metrics: z.record(z.string(), z.number()),
  classes: z.array(z.string()),
  /** Shapes and dtypes of a batch's inputs, without the batch axis. */
  inputs: z.record(z.string(), z.object({ shape: z.array(z.int()), dtype: z.string() })),
  config: z.unknown(),
});

export interface Manifest extends z.infer<typeof manifestSchema> {
  readonly config: unknown;
}

const recordSchema = z.record(z.string(), z.unknown());
type JsonRecord = z.infer<typeof recordSchema>;

/** From format N to N + 1. */
const upgrades: Readonly<Record<number, (manifest: JsonRecord) => JsonRecord>> = {
  // Format 1 had a checksum of the numbers in the manifest; now the file as a whole has one. The best checkpoint became the hook's affair.
  1: ({ checksum: _, best, ...rest }) => ({
    ...rest,
    hooks: best === undefined || best === null ? {} : { CheckpointHook: [best] },
    format: 2,
  }),
};

/** The manifest in `text`, in today's format, and the checksum of the numbers where the format had it here. */
export function parseManifest(text: string): { manifest: Manifest; checksum: string | null } {
  const found = recordSchema.safeParse(parseJson(text));
  if (!found.success) throw new OmmaError('the manifest is damaged: it is no JSON object');
  const { format, version, checksum } = found.data;
  if (typeof format === 'number' && format > checkpointFormat) {
    throw new OmmaError(
      `the checkpoint has format ${format}, written by Omma ${String(version)}; this Omma reads formats up to ${checkpointFormat}; update it`,
    );
  }
  let manifest = found.data;
  for (
    let step = upgrades[Number(manifest.format)];
    step !== undefined;
    step = upgrades[Number(manifest.format)]
  )
    manifest = step(manifest);
  const parsed = manifestSchema.safeParse(manifest);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new OmmaError(`the manifest is damaged: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return { manifest: parsed.data, checksum: format === 1 ? String(checksum) : null };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
