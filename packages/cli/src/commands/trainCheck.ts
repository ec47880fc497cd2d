/** `omma train --check`: what a run would do and take, tried out on one step; nothing is written. */

import { type CheckReport, type Config, Runner } from '@omma/engine';
import { formatBytes, formatCount, formatDuration, formatNumber } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import { trainingReport } from '../terminal/trainingReport.ts';

export async function trainCheck(config: Config, { json }: { readonly json?: boolean }): Promise<void> {
  const report = trainingReport(process.stderr, config);
  const runner = await Runner.create(config, {
    onEvent: (event) => {
      if (event.type === 'warning' || event.type === 'notice') report(event);
    },
  });
  try {
    const found = await runner.check();
    process.stdout.write(
      json === true
        ? `${JSON.stringify(found)}\n`
        : `${formatTable([{ title: '' }, { title: '' }], rows(found))}\n\n${hookTable(found)}\n`,
    );
  } finally {
    await runner.dispose();
  }
}

/** The hooks in the order in which they are called. */
function hookTable({ hooks }: CheckReport): string {
  return formatTable(
    [{ title: 'hook' }, { title: 'priority', align: 'right' }, { title: 'points' }],
    hooks.map(({ name, priority, points }) => [name, String(priority), points.join(' ')]),
  );
}

function rows(found: CheckReport): string[][] {
  const { memory, disk } = found;
  const frozen = found.parameters - found.trainableParameters;
  const slower = found.secondsPerBatch > found.secondsPerStep ? ', so the device would wait for data' : '';
  const evaluation =
    found.evaluationSeconds === null
      ? 'none'
      : `${found.evaluations} of ${formatDuration(found.evaluationSeconds)} each, ${found.valSamples} samples`;
  const total = found.trainSeconds + found.evaluations * (found.evaluationSeconds ?? 0);
  return [
    ['device', `${found.device}, ${found.amp === 'off' ? 'float32' : found.amp}`],
    [
      'parameters',
      `${formatCount(found.parameters)}${frozen > 0 ? `, ${formatCount(frozen)} of them frozen` : ''}`,
    ],
    [
      'training',
      `${found.trainSamples} samples, ${found.maxIterations} steps of ${found.batchSize}, ${found.iterationsPerEpoch} an epoch`,
    ],
    ['evaluations', evaluation],
    ['first loss', formatNumber(found.loss)],
    ['compiled in', formatDuration(found.compileSeconds)],
    ['a step', `${(1000 * found.secondsPerStep).toFixed(1)} ms`],
    ['a batch', `loads in ${(1000 * found.secondsPerBatch).toFixed(1)} ms${slower}`],
    [
      'device memory',
      `${formatBytes(memory.peak)}: state ${formatBytes(memory.state)}, intermediates ${formatBytes(memory.intermediates)}`,
    ],
    [
      'host memory',
      `${formatBytes(memory.process)} in use by this process, ${formatBytes(memory.free)} free`,
    ],
    [
      'disk',
      `up to ${disk.checkpoints} checkpoints of ${formatBytes(disk.checkpointBytes)}, ${formatBytes(disk.freeBytes)} free`,
    ],
    ['whole run', `about ${formatDuration(total)}`],
  ];
}
