/** `omma plot schedule`: what the schedules of a config do, as a plot in the terminal and as SVG. */

import { previewSchedule, type ScheduledCurve, type SchedulePreview } from '@omma/engine';
import { textFile } from '@omma/storage';
import pc from 'picocolors';
import type { Chart } from '../plot/chart.ts';
import { chartText } from '../plot/terminal.ts';
import { type ConfigOptions, configFrom } from '../run/config.ts';
import { formatNumber } from '../terminal/format.ts';

export interface PlotScheduleOptions extends Pick<ConfigOptions, 'set' | 'data' | 'json'> {
  readonly epochLength?: number;
  /** File for the plot; momentum and weight decay get files beside it. */
  readonly svg?: string;
}

const titles = { lr: 'learning rate', momentum: 'momentum', weightDecay: 'weight decay' } as const;

/** What a chart can show: points a line, and lines, of which a model with layer decay has dozens. */
interface Detail {
  readonly points: number;
  readonly lines: number;
}

const inText: Detail = { points: 200, lines: 3 };
const inSvg: Detail = { points: 2000, lines: 8 };

export async function plotSchedule(file: string, options: PlotScheduleOptions): Promise<void> {
  const preview = previewSchedule(await configFrom(file, options), options.epochLength);
  const moved = (['lr', 'momentum', 'weightDecay'] as const).filter((param) =>
    preview.curves.some((curve) => curve.param === param),
  );
  if (options.svg !== undefined) {
    const { chartSvg } = await import('../plot/svg.ts');
    for (const param of moved) {
      const path = param === 'lr' ? options.svg : options.svg.replace(/(\.svg)?$/, `.${param}.svg`);
      await textFile(path, await chartSvg(chartOf(preview, param, inSvg)));
      process.stderr.write(`${titles[param]} drawn in ${path}\n`);
    }
  }
  if (options.json === true) {
    const curves = preview.curves.map(({ values, ...curve }) => ({ ...curve, values: [...values] }));
    process.stdout.write(`${JSON.stringify({ ...preview.plan, curves })}\n`);
    return;
  }
  const columns = process.stdout.columns ?? 80;
  const charts = moved.map((param) => {
    const chart = chartOf(preview, param, inText);
    return `${chartText(chart, columns)}\n${legend(chart)}`;
  });
  process.stdout.write(`${charts.join('\n\n')}\n`);
  if (preview.watches) {
    process.stdout.write(
      pc.yellow('a ReduceOnPlateau schedule waits for a metric: what it will do is not drawn\n'),
    );
  }
}

function chartOf({ plan, curves }: SchedulePreview, param: keyof typeof titles, detail: Detail): Chart {
  const own = curves.filter((curve) => curve.param === param);
  const byEpoch = plan.byEpoch;
  return {
    x: { title: byEpoch ? 'epoch' : 'iteration', format: (value) => String(Math.round(value * 100) / 100) },
    y: { title: titles[param], format: formatNumber },
    lines: spreadOut(own, detail.lines).map((curve) => ({
      name: own.length === 1 ? titles[param] : groupName(curve),
      points: sampled(curve.values, detail.points).map(([iteration, y]) => ({
        x: byEpoch ? iteration / plan.iterationsPerEpoch : iteration,
        y,
      })),
    })),
  };
}

/** `of 0.1`, with the part of the model in front where that has an optimiser of its own: `head of 0.01`. */
function groupName({ optimizer, initial }: ScheduledCurve): string {
  return `${optimizer === undefined ? '' : `${optimizer} `}of ${formatNumber(initial)}`;
}

/** At most `most` curves, from the first to the last. */
function spreadOut(curves: readonly ScheduledCurve[], most: number): readonly ScheduledCurve[] {
  if (curves.length <= most) return curves;
  const step = (curves.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => curves[Math.round(i * step)]).filter(
    (curve) => curve !== undefined,
  );
}

/** At most about `most` points of a curve: the first, the last, and from each stretch between the least and the greatest, so that no peak is lost. */
function sampled(values: Float64Array, most: number): [number, number][] {
  const stretch = Math.ceil((2 * values.length) / most);
  if (stretch <= 2) return [...values.entries()];
  const kept = new Set<number>([0, values.length - 1]);
  for (let start = 0; start < values.length; start += stretch) {
    let [least, greatest] = [start, start];
    for (let i = start; i < Math.min(start + stretch, values.length); i++) {
      if ((values[i] ?? 0) < (values[least] ?? 0)) least = i;
      if ((values[i] ?? 0) > (values[greatest] ?? 0)) greatest = i;
    }
    kept.add(least).add(greatest);
  }
  return [...kept].sort((a, b) => a - b).map((i) => [i, values[i] ?? Number.NaN]);
}

function legend({ lines, y }: Chart): string {
  return lines
    .map(({ name, points: line }) => {
      const values = line.map((point) => point.y);
      const [first = Number.NaN] = values;
      const last = values.at(-1) ?? Number.NaN;
      return `${name}: ${y.format(first)} at first, ${y.format(Math.max(...values))} at most, ${y.format(last)} at last`;
    })
    .join('\n');
}
