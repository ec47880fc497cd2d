/** `omma lr-find`: the learning-rate range test as a table, and what it suggests. */

import { type LrFindResult, Runner } from '@omma/engine';
import pc from 'picocolors';
import { type ConfigOptions, configFrom } from '../run/config.ts';
import { formatNumber } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import { trainingReport } from '../terminal/trainingReport.ts';

export interface LrFindCommandOptions extends ConfigOptions {
  readonly start: number;
  readonly end: number;
  readonly steps: number;
}

/** Lines of the table: enough to see the shape of the curve. */
const shownRows = 16;

export async function lrFind(file: string, options: LrFindCommandOptions): Promise<void> {
  const config = await configFrom(file, options);
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  const report = trainingReport(process.stderr);
  const runner = await Runner.create(config, {
    onEvent: (event) => {
      if (event.type === 'warning') report(event);
    },
  });
  const { start, end, steps } = options;
  try {
    const result = await runner.findLearningRate({
      start,
      end,
      steps,
      signal: interrupt.signal,
      onPoint: ({ lr, smoothed }, done) => {
        if (process.stderr.isTTY)
          process.stderr.write(
            `\r\x1b[Kstep ${done}/${steps}  lr ${formatNumber(lr)}  loss ${formatNumber(smoothed)}`,
          );
      },
    });
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : `${text(result)}\n`);
  } finally {
    process.off('SIGINT', onInterrupt);
    await runner.dispose();
  }
}

function text({ points, suggestion, upper, diverged }: LrFindResult): string {
  const every = Math.max(1, Math.ceil(points.length / shownRows));
  const shown = points.filter((_, i) => i % every === 0 || i === points.length - 1);
  const columns = (['lr', 'loss', 'smoothed'] as const).map((title) => ({ title, align: 'right' as const }));
  const table = formatTable(
    columns,
    shown.map(({ lr, loss, smoothed }) => [lr, loss, smoothed].map(formatNumber)),
  );
  const end = diverged ? 'the loss blew up there' : 'the last rate was reached';
  const advice =
    suggestion === null || upper === null
      ? 'the loss never fell: begin with smaller rates (--start), or take more --steps'
      : `suggestion ${pc.bold(formatNumber(suggestion))}, where the loss falls fastest; ${formatNumber(upper)}, a tenth of the rate with the least loss, is the most to try`;
  return `${table}\n${end}\n${advice}`;
}
