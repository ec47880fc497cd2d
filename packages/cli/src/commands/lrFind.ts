/** `omma lr-find`: the learning-rate range test as a table and a plot, and what it suggests. */

import { type LrFindResult, Runner } from '@omma/engine';
import { textFile } from '@omma/storage';
import pc from 'picocolors';
import type { Chart } from '../plot/chart.ts';
import { chartText } from '../plot/terminal.ts';
import { type ConfigOptions, configFrom } from '../run/config.ts';
import { formatNumber } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import { trainingReport } from '../terminal/trainingReport.ts';

export interface LrFindCommandOptions extends ConfigOptions {
  readonly start: number;
  readonly end: number;
  readonly steps: number;
  /** File for the plot. */
  readonly svg?: string;
}

/** Lines of the table: enough to see the shape of the curve. */
const shownRows = 16;

export async function lrFind(file: string, options: LrFindCommandOptions): Promise<void> {
  const config = await configFrom(file, options);
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  const report = trainingReport(process.stderr, config);
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
    if (options.svg !== undefined) {
      const { chartSvg } = await import('../plot/svg.ts');
      await textFile(options.svg, await chartSvg(chartOf(result)));
    }
    process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : `${text(result)}\n`);
  } finally {
    process.off('SIGINT', onInterrupt);
    await runner.dispose();
  }
}

function chartOf({ points, suggestion }: LrFindResult): Chart {
  const line = (name: 'loss' | 'smoothed') => ({
    name,
    points: points.map((point) => ({ x: point.lr, y: point[name] })),
  });
  return {
    x: { title: 'learning rate', log: true, format: formatNumber },
    y: { title: 'loss', format: formatNumber },
    lines: [line('loss'), line('smoothed')],
    marks: suggestion === null ? [] : [{ name: `suggestion ${formatNumber(suggestion)}`, x: suggestion }],
  };
}

function text(result: LrFindResult): string {
  const { points, suggestion, careful, noSuggestion, diverged } = result;
  const every = Math.max(1, Math.ceil(points.length / shownRows));
  const shown = points.filter((_, i) => i % every === 0 || i === points.length - 1);
  const columns = (['lr', 'loss', 'smoothed'] as const).map((title) => ({ title, align: 'right' as const }));
  const table = formatTable(
    columns,
    shown.map(({ lr, loss, smoothed }) => [lr, loss, smoothed].map(formatNumber)),
  );
  const chart = chartOf(result);
  const smoothed = chart.lines.filter(({ name }) => name === 'smoothed');
  const plotted = chartText({ ...chart, lines: smoothed }, process.stdout.columns ?? 80);
  const end = diverged ? 'the loss blew up there' : 'the last rate was reached';
  const advice =
    suggestion === null || careful === null
      ? `no suggestion: ${noSuggestion}`
      : `suggestions: ${pc.bold(formatNumber(suggestion))}, where the loss falls fastest; ${pc.bold(formatNumber(careful))}, a tenth of where it is least`;
  return `${table}\n\n${plotted}\n\n${end}\n${advice}`;
}
