/** `omma test`: evaluates a checkpoint on the validation data of a config. */

import { distributedEnvironment, Runner } from '@omma/engine';
import { type ConfigOptions, configFrom } from '../run/config.ts';
import { formatDuration } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import { trainingReport } from '../terminal/trainingReport.ts';

export async function test(file: string, checkpoint: string, options: ConfigOptions): Promise<void> {
  const config = await configFrom(file, options);
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
    const { metrics, samples, seconds, skipped, details } = await runner.test(checkpoint);
    if (!talks) return;
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ metrics, samples, seconds, skipped, details })}\n`);
      return;
    }
    const rows = Object.entries(metrics).map(([name, value]) => [name, value.toFixed(2)]);
    process.stdout.write(`${formatTable([{ title: 'metric' }, { title: 'value', align: 'right' }], rows)}\n`);
    for (const { name, reason } of skipped) process.stdout.write(`skipped ${name}: ${reason}\n`);
    process.stdout.write(`${samples} samples in ${formatDuration(seconds)}\n`);
  } finally {
    await runner.dispose();
  }
}
