/** `omma model summary`: what a model costs, module by module, as a table or JSON. MMEngine's `get_flops.py` and `get_model_complexity_info`. */

import { transformsOf } from '@omma/classification';
import { OmmaError, type TensorType } from '@omma/core';
import { buildTransforms, sizeAfter } from '@omma/cv';
import { type Config, configOf, loadCheckpoint, models } from '@omma/engine';
import { type ModelComplexity, type ModuleComplexity, modelComplexity } from '@omma/nn';
import pc from 'picocolors';
import { configFrom } from '../../run/config.ts';
import { formatAmount } from '../../terminal/format.ts';
import { formatTable } from '../../terminal/table.ts';

export interface SummaryOptions {
  readonly input?: readonly [height: number, width: number];
  readonly depth: number;
  readonly set: readonly string[];
  readonly json?: boolean;
}

export async function modelSummary(file: string, options: SummaryOptions): Promise<void> {
  const { config, size } = await described(file, options);
  const [height, width] = options.input ?? size ?? missingSize(file);
  const model = models.build(config.model);
  const channels = model.normalization?.mean.length ?? 3;
  const image: TensorType = { shape: [1, height, width, channels], dtype: 'uint8' };
  const complexity = modelComplexity(model, (inputs) => model.predict(inputs), { image });
  const input = { height, width, channels };
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ input, ...complexity }, null, 2)}\n`
      : `${table(complexity, options.depth)}\n${footer(complexity, `${height} x ${width}`)}`,
  );
}

type Size = readonly [height: number, width: number];

/** The config, and the size of the pictures that it evaluates; null where nothing says it. */
async function described(
  file: string,
  { set }: SummaryOptions,
): Promise<{ readonly config: Config; readonly size: Size | null }> {
  if (!file.endsWith('.safetensors')) {
    const config = await configFrom(file, { set });
    return { config, size: evaluatedSize(config) };
  }
  if (set.length > 0)
    throw new OmmaError(`${file}: a checkpoint's config stays as it is; leave --set out, or give a config`);
  const checkpoint = await loadCheckpoint(file);
  const [height, width] = checkpoint.manifest.inputs.image?.shape ?? [];
  const size: Size | null = height === undefined || width === undefined ? null : [height, width];
  return { config: configOf(checkpoint), size };
}

/** What the transforms make of any picture. Null where its size would still depend on the picture's. */
function evaluatedSize({ testDataloader, valDataloader, trainDataloader }: Config): Size | null {
  const transform = buildTransforms(transformsOf(testDataloader ?? valDataloader ?? trainDataloader));
  const wide = sizeAfter(transform, { width: 4096, height: 1024 }, () => 0.5);
  const tall = sizeAfter(transform, { width: 1024, height: 4096 }, () => 0.5);
  if (wide.width !== tall.width || wide.height !== tall.height) return null;
  return [wide.height, wide.width];
}

function missingSize(file: string): never {
  throw new OmmaError(
    `${file}: the size of the pictures depends on the data; tell which one to count, for example --input 224x224`,
  );
}

function table({ modules }: ModelComplexity, depth: number): string {
  const levels = ({ path }: ModuleComplexity) => (path === '' ? 0 : path.split('.').length);
  const shown = modules.filter((module) => levels(module) <= depth);
  const text = formatTable(
    [
      { title: 'module' },
      { title: 'type' },
      { title: 'parameters', align: 'right' },
      { title: 'FLOPs', align: 'right' },
      { title: 'activations', align: 'right' },
    ],
    shown.map((module) => [
      `${'  '.repeat(levels(module))}${module.path.split('.').at(-1) || 'model'}`,
      module.type,
      formatAmount(module.parameters),
      formatAmount(module.flops),
      formatAmount(module.activations),
    ]),
  );
  const [head = '', ...lines] = text.split('\n');
  return [pc.bold(head), ...lines].join('\n');
}

function footer({ modules: [whole], uncounted }: ModelComplexity, size: string): string {
  const missing = Object.entries(uncounted).map(([op, count]) => `${op} (${count})`);
  return [
    '',
    `One picture of ${size}: ${formatAmount(whole?.flops ?? 0)} FLOPs, ${formatAmount(whole?.parameters ?? 0)} parameters, ${formatAmount(whole?.activations ?? 0)} activations.`,
    'A multiply-add is one FLOP, as MMEngine and fvcore count; activations are the outputs of convolutions and matrix products.',
    ...(missing.length === 0 ? [] : [pc.yellow(`Not counted, for want of a rule: ${missing.join(', ')}.`)]),
    '',
  ].join('\n');
}
