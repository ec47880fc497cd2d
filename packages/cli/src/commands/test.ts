/** `omma test`: evaluates a checkpoint on the validation data of a config. */

import { type Config, distributedEnvironment, type EvaluationEvent, Runner } from '@omma/engine';
import { type ConfigOptions, configFrom } from '../run/config.ts';
import { formatDuration } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import { trainingReport } from '../terminal/trainingReport.ts';

export interface TestOptions extends ConfigOptions {
  /** By the config's test-time augmentation. */
  readonly tta?: boolean;
  /** File for the predictions. */
  readonly dump?: string;
  /** Folder for pictures with their predictions. */
  readonly showDir?: string;
}

export async function test(file: string, checkpoint: string, options: TestOptions): Promise<void> {
  const config = withTestOptions(await configFrom(file, options), options);
  const report = trainingReport(process.stderr);
  const distributed = distributedEnvironment(process.env);
  const talks = distributed === null || distributed.rank === 0;
  const runner = await Runner.create(config, {
    onEvent: (event) => {
      if ((event.type === 'evaluationProgress' && talks) || event.type === 'warning') report(event);
    },
    distributed,
  });
  try {
    const evaluation = await runner.test(checkpoint, { tta: options.tta ?? false });
    if (!talks) return;
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    printEvaluation(evaluation, options.json === true);
  } finally {
    await runner.dispose();
  }
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
  for (const { name, reason } of skipped) process.stdout.write(`skipped ${name}: ${reason}\n`);
  process.stdout.write(`${samples} samples in ${formatDuration(seconds)}\n`);
}

function withTestOptions(config: Config, { dump, showDir }: TestOptions): Config {
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
