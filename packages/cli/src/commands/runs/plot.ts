/** `omma runs plot`: a curve of several runs on the terminal, and as an SVG file. */

import { type CurveAxis, queryCurve, type Run } from '@omma/board';
import { OmmaError } from '@omma/core';
import { nearest } from '@omma/engine';
import { textFile } from '@omma/storage';
import pc from 'picocolors';
import { z } from 'zod';
import type { Chart, ChartLine } from '../../plot/chart.ts';
import { chartText } from '../../plot/terminal.ts';
import { warn } from '../../run/configFile.ts';
import { chooseRuns, openRuns } from '../../run/openRuns.ts';
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
  const set = await openRuns(options.dir, names);
  const runs = chooseRuns(set, names);
  const { smoothed, raw } = curvesOf(runs, options);
  set.close();
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(smoothed)}\n`);
    return;
  }
  const drawn = smoothed.filter(({ points }) => points.filter(({ y }) => Number.isFinite(y)).length > 1);
  for (const each of smoothed)
    if (!drawn.includes(each)) process.stdout.write(`${fewPoints(each, options)}\n`);
  if (drawn.length === 0 && options.svg === undefined) return;
  const chart: Chart = {
    x: { title: titles[options.x], format: options.x === 'step' ? formatCount : formatDuration },
    y: { title: options.curve, format: formatNumber },
    lines: drawn,
    behind: options.smooth > 0 ? raw : [],
  };
  const columns = process.stdout.columns ?? 100;
  // Without colours curves cannot be told apart, so each gets a chart of its own.
  const charts = pc.isColorSupported
    ? drawn.slice(0, 1).map(() => chartText(chart, columns))
    : drawn.map((line) => `${line.name}\n${chartText({ ...chart, lines: [line] }, columns)}`);
  if (charts.length > 0) process.stdout.write(`${charts.join('\n')}\n`);
  if (options.svg === undefined) return;
  const { chartSvg } = await import('../../plot/svg.ts');
  await textFile(options.svg, await chartSvg(chart));
  process.stdout.write(`wrote ${options.svg}\n`);
}

/** What a curve says that is too short for a chart. */
function fewPoints({ name, points }: ChartLine, { curve, x }: PlotOptions): string {
  const point = points.find(({ y }) => Number.isFinite(y));
  if (point === undefined) return `${name}: none of the values of ${curve} is a finite number`;
  const at = x === 'step' ? `iteration ${point.x}` : formatDuration(point.x);
  return `${name}: ${curve} has one point, ${formatNumber(point.y)} at ${at}`;
}

/** Why there is nothing to see of a curve. */
function noCurve(runs: readonly Run[], curve: string): OmmaError {
  const known = [...new Set(runs.flatMap((run) => run.curveNames))];
  const there = known.length === 0 ? 'they have no curves yet' : `there are: ${known.join(', ')}`;
  const short = curve.startsWith('train/') ? runs.find((run) => run.tables.train.rows === 0) : undefined;
  if (short !== undefined && !known.some((name) => name.startsWith('train/'))) {
    const { iteration } = short.state;
    const interval = loggerInterval(short.state.config);
    return new OmmaError(
      `no training iteration is in the log of ${short.name}: it came to iteration ${iteration}, and every ${interval}th is logged (defaultHooks.logger.interval); ${there}`,
    );
  }
  const close = nearest(curve, known);
  return new OmmaError(
    `no run has a curve ${curve}${close === null ? '' : `; did you mean ${close}?`}; ${there}`,
  );
}

const loggerHook = z.object({ defaultHooks: z.object({ logger: z.object({ interval: z.number() }) }) });

/** MMEngine's default, 10, unless the run's config says something else. */
function loggerInterval(config: unknown): number {
  const found = loggerHook.safeParse(config);
  return found.success ? found.data.defaultHooks.logger.interval : 10;
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
  if (found.length === 0) throw noCurve(runs, curve);
  const missing = runs.filter(({ name }) => !found.some(({ run }) => run === name));
  if (missing.length > 0) warn(`no ${curve} in ${missing.map(({ name }) => name).join(', ')}`);
  const raw = found.map((data) => line(data.run, data.x, data.y));
  const smoothed = found.map((data) =>
    data.smoothX.length === 0 ? line(data.run, data.x, data.y) : line(data.run, data.smoothX, data.smoothY),
  );
  return { smoothed, raw };
}
