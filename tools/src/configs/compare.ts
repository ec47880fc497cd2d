/** One config file, read by Omma and by MMEngine. */

import { createHash } from 'node:crypto';
import { OmmaError } from '@omma/core';
import { readConfigFile } from '@omma/engine';
import { z } from 'zod';
import { differenceOf, type Encoded, encoded } from './encode.ts';
import { explanationOf } from './exceptions.ts';

const encodedSchema: z.ZodType<Encoded> = z.lazy(() =>
  z.union([z.null(), z.boolean(), z.string(), z.number(), z.array(encodedSchema)]),
);
const peerSchema = z.object({
  file: z.string(),
  value: encodedSchema.optional(),
  error: z.string().optional(),
});
type Peer = z.infer<typeof peerSchema>;

export interface Comparison {
  readonly file: string;
  readonly verdict: 'equal' | 'both refuse' | 'explained' | 'different';
  /** Of the resolved value, when there is one. */
  readonly hash: string | null;
  /** The difference, both refusals, or the explanation. */
  readonly reason: string | null;
}

export function parsePeer(line: string): Peer {
  return peerSchema.parse(JSON.parse(line));
}

export async function comparePeer(
  { file, value, error }: Peer,
  packageFolders: readonly string[],
): Promise<Comparison> {
  const ours = await read(file, packageFolders);
  const theirs: Encoded | Error = value === undefined ? new Error(error ?? 'no answer') : value;
  const hash = ours instanceof Error ? null : hashOf(ours);
  if (ours instanceof Error && theirs instanceof Error)
    return {
      file,
      verdict: 'both refuse',
      hash,
      reason: `Omma: ${ours.message}; MMEngine: ${theirs.message}`,
    };
  const difference = differenceBetween(ours, theirs);
  if (difference === null) return { file, verdict: 'equal', hash, reason: null };
  const explanation = explanationOf(difference);
  if (explanation !== null) return { file, verdict: 'explained', hash, reason: explanation };
  return { file, verdict: 'different', hash, reason: difference };
}

async function read(file: string, packageFolders: readonly string[]): Promise<Encoded | Error> {
  try {
    return encoded(await readConfigFile(file, { packageFolders }));
  } catch (error) {
    if (error instanceof OmmaError) return error;
    throw error;
  }
}

function differenceBetween(ours: Encoded | Error, theirs: Encoded | Error): string | null {
  if (ours instanceof Error) return `Omma refuses it: ${ours.message}`;
  if (theirs instanceof Error) return `MMEngine refuses it: ${theirs.message}`;
  return differenceOf(ours, theirs);
}

function hashOf(value: Encoded): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
