/**
 * Weights to start from: a file's, by name, after its names were rewritten to the model's. Everything must fit, or (`strict: false`, to
 * train a pretrained backbone with another head) what fits is taken and what does not is told.
 */

import { type HostTensor, OmmaError, type Variable } from '@omma/core';
import { z } from 'zod';
import { formatMisshaped, misfitOf, restore } from '../checkpoint/restore.ts';
import { nearest } from '../config/nearest.ts';

export interface LoadFromOptions {
  /** Take only the tensors whose names begin with this, and cut it off: 'backbone.'. */
  readonly prefix?: string;
  /** Then rewrite names: a regular expression and its replacement each, with $1 for groups: ['^module\\.', '']. */
  readonly reviseKeys?: readonly (readonly [pattern: string, replacement: string])[];
  /** Every tensor of the model must be in the file, and none besides; true unless given. */
  readonly strict?: boolean;
}

export interface LoadFromConfig extends LoadFromOptions {
  readonly checkpoint: string;
}

const path = z.string().min(1);
const pattern = z.string().superRefine((text, context) => {
  try {
    new RegExp(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `expected a regular expression (${String(error)})` });
  }
});

export const loadFromSchema = z.union([
  path,
  z.strictObject({
    checkpoint: path,
    prefix: z.string().min(1).exactOptional(),
    reviseKeys: z.array(z.tuple([pattern, z.string()])).exactOptional(),
    strict: z.boolean().exactOptional(),
  }),
]);

/** `weights` under the names that `options` give them. OmmaError when none has the prefix, or two get the same name. */
export function revisedNames(
  weights: ReadonlyMap<string, HostTensor>,
  { prefix = '', reviseKeys = [] }: LoadFromOptions,
): ReadonlyMap<string, HostTensor> {
  const rules = reviseKeys.map(([from, to]) => [new RegExp(from), to] as const);
  const revised = new Map<string, HostTensor>();
  const origin = new Map<string, string>();
  for (const [name, tensor] of weights) {
    if (!name.startsWith(prefix)) continue;
    const own = rules.reduce((text, [from, to]) => text.replace(from, to), name.slice(prefix.length));
    const other = origin.get(own);
    if (other !== undefined)
      throw new OmmaError(
        `loadFrom: ${other} and ${name} are both called ${own} after reviseKeys; correct its patterns`,
      );
    origin.set(own, name);
    revised.set(own, tensor);
  }
  if (revised.size === 0 && weights.size > 0) {
    const known = [...new Set([...weights.keys()].map((name) => `${name.split('.')[0]}.`))];
    const close = nearest(prefix, known);
    throw new OmmaError(
      `loadFrom: no tensor begins with the prefix ${prefix}; there are ${known.slice(0, 8).join(', ')}${close === null ? '' : `; did you mean ${close}?`}`,
    );
  }
  return revised;
}

/** Fills what fits of `variables`. Gives a line that says what did not, or null when all did. OmmaError when nothing fits. */
export async function restoreFitting(
  file: string,
  tensors: ReadonlyMap<string, HostTensor>,
  variables: readonly Variable[],
): Promise<string | null> {
  const { missing, unexpected, misshaped } = misfitOf(tensors, variables);
  const unfit = new Set([...missing, ...misshaped.map(({ name }) => name)]);
  const fitting = variables.filter(({ name }) => !unfit.has(name));
  if (fitting.length === 0) {
    throw new OmmaError(
      `${file}: none of its ${tensors.size} tensors fits the model; the file has ${some([...tensors.keys()])}, the model ${some(variables.map(({ name }) => name))}; rewrite names with loadFrom.reviseKeys`,
    );
  }
  const names = new Set(fitting.map(({ name }) => name));
  await restore(file, new Map([...tensors].filter(([name]) => names.has(name))), fitting);
  if (fitting.length === variables.length && unexpected.length === 0) return null;
  const parts = [
    ...(missing.length > 0 ? [`not in the file: ${some(missing)}`] : []),
    ...(misshaped.length > 0 ? [`of another shape: ${some(misshaped.map(formatMisshaped), '; ')}`] : []),
    ...(unexpected.length > 0 ? [`not in the model: ${some(unexpected)}`] : []),
  ];
  return `${file}: ${fitting.length} of the model's ${variables.length} tensors were loaded; ${parts.join('; ')}`;
}

/** The first few names, and how many more. */
function some(names: readonly string[], separator = ', '): string {
  const shown = names.slice(0, 6).join(separator);
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}
