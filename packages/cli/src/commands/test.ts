/** `omma test`: evaluates a checkpoint, or an offline model, on the validation data of a config. */

import { OmmaError } from '@omma/core';
import { type Config, datasets, type EvaluationEvent, Runner } from '@omma/engine';
import { type ConfigOptions, configFrom } from '../run/config.ts';
import { isOfflineModel, type OpenOfflineModel, openOfflineModel } from '../run/offlineModel.ts';
import { rankFromEnvironment } from '../run/rank.ts';
import { formatDuration } from '../terminal/format.ts';
import { skippedLine } from '../terminal/skipped.ts';
import { formatTable } from '../terminal/table.ts';
import { trainingReport } from '../terminal/trainingReport.ts';

export interface TestOptions extends ConfigOptions {
  /** By the config's test-time augmentation. */
  readonly tta?: boolean;
  /** On the validation data, where the config has test data too. */
  readonly val?: boolean;
  /** File for the predictions. */
  readonly dump?: string;
  /** Folder for pictures with their predictions. */
  readonly showDir?: string;
}

export async function test(file: string, source: string, options: TestOptions): Promise<void> {
  if (options.dump?.endsWith('.safetensors') === false)
    throw new OmmaError(`--dump ${options.dump}: expected a name that ends in .safetensors`);
  const isOffline = isOfflineModel(source);
  if (isOffline && options.tta === true)
    throw new OmmaError(`${source}: an offline model predicts as it was compiled; leave --tta out`);
  const read = withTestOptions(await configFrom(file, options), options);
  const config = isOffline ? { ...read, device: options.device ?? 'ascend' } : read;
  const report = trainingReport(process.stderr, config);
  const distributed = rankFromEnvironment();
  const talks = distributed === null || distributed.rank === 0;
  const runner = await Runner.create(config, {
    onEvent: (event) => {
      const progress = event.type === 'evaluationProgress' || event.type === 'downloadProgress';
      if ((progress && talks) || event.type === 'warning') report(event);
    },
    distributed,
  });
  let offline: OpenOfflineModel | null = null;
  try {
    if (isOffline) {
      offline = await openOfflineModel(source, runner.device.name);
      requireClasses(source, offline, config);
    }
    const evaluation =
      offline === null
        ? await runner.test(source, { tta: options.tta ?? false })
        : await runner.test(undefined, { step: offline.step });
    if (!talks) return;
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    printEvaluation(evaluation, options.json === true);
  } finally {
    await offline?.dispose();
    await runner.dispose();
  }
}

/** A checkpoint's weights would not fit another number of classes; an offline model would be measured all the same, and wrongly. */
function requireClasses(path: string, { classes }: OpenOfflineModel, config: Config): void {
  const loader = config.testDataloader ?? config.valDataloader;
  if (loader === undefined) return;
  const wanted = datasets.build(loader.dataset).classes;
  if (wanted.join('\n') === classes.join('\n')) return;
  throw new OmmaError(
    `${path}: was exported for the classes ${classes.join(', ')} but the data set has ${wanted.join(', ')}; give the data that it was trained for`,
  );
}

/** The metrics as a table, or everything as JSON. */
export function printEvaluation(
  {
    metrics,
    samples,
    seconds,
    skipped,
    details,
  }: Pick<EvaluationEvent, 'metrics' | 'samples' | 'seconds' | 'skipped' | 'details'>,
  json: boolean,
): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ metrics, samples, seconds, skipped, details })}\n`);
    return;
  }
  const rows = Object.entries(metrics).map(([name, value]) => [name, value.toFixed(2)]);
  process.stdout.write(`${formatTable([{ title: 'metric' }, { title: 'value', align: 'right' }], rows)}\n`);
  for (const sample of skipped) process.stdout.write(`${skippedLine(sample)}\n`);
  process.stdout.write(`${samples} samples in ${formatDuration(seconds)}\n`);
}

function withTestOptions(given: Config, { dump, showDir, val }: TestOptions): Config {
  const { testDataloader, testEvaluator: ofTest, testConfig, ...validation } = given;
  const config: Config = val === true ? validation : given;
  const { valEvaluator = [], testEvaluator = valEvaluator, defaultHooks } = config;
  return {
    ...config,
    ...(dump === undefined
      ? {}
      : { testEvaluator: [...testEvaluator, { type: 'DumpResults', outFilePath: dump }] }),
    ...(showDir === undefined
      ? {}
      : {
          defaultHooks: {
            ...defaultHooks,
            visualization: { ...defaultHooks?.visualization, testOutDir: showDir },
          },
        }),
  };
}
