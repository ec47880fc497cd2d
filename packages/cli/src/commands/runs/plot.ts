/** `omma runs plot`: a curve of several runs on the terminal, and as an SVG file. */

import { writeFile } from 'node:fs/promises';
import { type CurveAxis, queryCurve, type Run } from '@omma/board';
import { OmmaError } from '@omma/core';
import { nearest } from '@omma/engine';
import pc from 'picocolors';
import type { Chart, ChartLine } from '../../plot/chart.ts';
import { chartText } from '../../plot/terminal.ts';
import { chooseRuns, openRuns } from '../../run/openRuns.ts';
import { rootOf } from '../../run/runsRoot.ts';
import { formatCount, formatDuration, formatNumber } from '../../terminal/format.ts';

export interface PlotOptions {
  readonly dir?: string;
  readonly curve: string;
  readonly x: 'step' | 'time';
  readonly smooth: number;
  readonly svg?: string;
  readonly json?: boolean;
}

const titles: Readonly<Record<CurveAxis, string>> = {
  step: 'iteration',
  time: 'seconds since the start',
  wall: 'time',
};
/** Points across a picture. */
const pixels = 320;

export async function plotRuns(names: readonly string[], options: PlotOptions): Promise<void> {
  const set = await openRuns(await rootOf(options.dir, names));
  const runs = chooseRuns(set, names);
  const { smoothed, raw } = curvesOf(runs, options);
  set.close();
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(smoothed)}\n`);
    return;
  }
  const chart: Chart = {
    x: { title: titles[options.x], format: options.x === 'step' ? formatCount : formatDuration },
    y: { title: options.curve, format: formatNumber },
    lines: smoothed,
    behind: options.smooth > 0 ? raw : [],
  };
  const columns = process.stdout.columns ?? 100;
  // Without colours curves cannot be told apart, so each gets a chart of its own.
  const charts = pc.isColorSupported
    ? [chartText(chart, columns)]
    : smoothed.map((line) => `${line.name}\n${chartText({ ...chart, lines: [line] }, columns)}`);
  process.stdout.write(`${charts.join('\n')}\n`);
  if (options.svg === undefined) return;
  const { chartSvg } = await import('../../plot/svg.ts');
  await writeFile(options.svg, await chartSvg(chart)).catch((error: NodeJS.ErrnoException) => {
    throw new OmmaError(
      `${options.svg}: cannot write the picture (${error.code ?? error.message}); check the path`,
    );
  });
  process.stdout.write(`wrote ${options.svg}\n`);
}

function line(name: string, x: readonly number[], y: readonly number[]): ChartLine {
  return { name, points: x.map((at, i) => ({ x: at, y: y[i] ?? Number.NaN })) };
}

function curvesOf(
  runs: readonly Run[],
  { curve, x, smooth }: PlotOptions,
): { smoothed: ChartLine[]; raw: ChartLine[] } {
  const range = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const found = runs.flatMap(
    (run) => queryCurve(run, curve, { axis: x, ...range, pixels, smoothing: smooth }) ?? [],
  );
  if (found.length === 0) {
    const known = [...new Set(runs.flatMap((run) => run.curveNames))];
    const close = nearest(curve, known);
    throw new OmmaError(
      `no run has a curve ${curve}${close === null ? '' : `; did you mean ${close}?`}; there are: ${known.join(', ')}`,
    );
  }
  const raw = found.map((data) => line(data.run, data.x, data.y));
  const smoothed = found.map((data) =>
    data.smoothX.length === 0 ? line(data.run, data.x, data.y) : line(data.run, data.smoothX, data.smoothY),
  );
  return { smoothed, raw };
}
