/** `omma checkpoint convert` and `publish`: weights written anew. */

import {
  type Converted,
  type ConvertOptions,
  convertWeights,
  floatDTypes,
  parseRewrite,
  publishWeights,
} from '@omma/engine';
import pc from 'picocolors';
import { withWeightProgress } from '../../terminal/byteProgress.ts';
import { formatBytes } from '../../terminal/format.ts';
import { type ChoiceOptions, choiceOf } from './choice.ts';

export interface PublishOptions extends ChoiceOptions {
  readonly dtype?: string;
  readonly json?: boolean;
}

export interface ConvertCommandOptions extends PublishOptions {
  readonly stripPrefix?: string;
  readonly rewrite: readonly string[];
}

export async function convert(input: string, output: string, options: ConvertCommandOptions): Promise<void> {
  const { stripPrefix, rewrite } = options;
  const rewrites = rewrite.map(parseRewrite);
  const names = stripPrefix === undefined ? { rewrites } : { rewrites, prefix: stripPrefix };
  await written(options, (common) => convertWeights(input, output, { ...common, ...names }));
}

export async function publish(
  input: string,
  output: string | undefined,
  options: PublishOptions,
): Promise<void> {
  await written(options, (common) => publishWeights(input, output, common));
}

async function written(
  options: PublishOptions,
  write: (common: ConvertOptions) => Promise<Converted>,
): Promise<void> {
  const dtype = options.dtype === undefined ? undefined : floatDTypes[options.dtype];
  const choice = choiceOf(options);
  const result = await withWeightProgress('writing', (listeners) =>
    write({ choice, ...listeners, ...(dtype === undefined ? {} : { dtype }) }),
  );
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { path, tensors, bytes, overflowed } = result;
  process.stdout.write(`${pc.bold(path)}  ${tensors} tensors, ${formatBytes(bytes)}\n`);
  if (overflowed.length === 0) return;
  const names = overflowed.slice(0, 5).join(', ');
  const rest = overflowed.length > 5 ? ` and ${overflowed.length - 5} more` : '';
  process.stdout.write(
    pc.yellow(`warning: values of ${names}${rest} are beyond ${options.dtype ?? ''} and became infinite\n`),
  );
}
