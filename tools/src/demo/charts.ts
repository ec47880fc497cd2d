/** The page's charts as SVG text, drawn by Vega without a browser. */

import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { AccuracyPoint, LossPoint } from './journal.ts';

const ink = '#33413b';
const accent = '#1f7a55';

const theme = {
  background: 'transparent',
  font: 'system-ui, -apple-system, "Segoe UI", sans-serif',
  axis: {
    labelColor: ink,
    titleColor: ink,
    gridColor: '#e4ebe7',
    domainColor: '#b9c6bf',
    tickColor: '#b9c6bf',
    labelFontSize: 11,
  },
  view: { stroke: 'transparent' },
} as const;

async function svg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  const text = await view.toSVG();
  view.finalize();
  return text;
}

/** Loss of every step, thin, and its moving average. */
export function lossChart(points: readonly LossPoint[]): Promise<string> {
  const x = {
    field: 'iteration',
    type: 'quantitative',
    title: 'step',
    axis: { tickCount: 6, grid: false },
  } as const;
  const y = { type: 'quantitative', title: 'loss' } as const;
  return svg({
    width: 480,
    height: 240,
    config: theme,
    data: { values: [...points] },
    layer: [
      {
        mark: { type: 'line', color: accent, opacity: 0.28, strokeWidth: 1 },
        encoding: { x, y: { ...y, field: 'loss' } },
      },
      {
        mark: { type: 'line', color: accent, strokeWidth: 2.2 },
        encoding: { x, y: { ...y, field: 'smoothed' } },
      },
    ],
  });
}

/** Validation accuracy after every epoch. */
export function accuracyChart(points: readonly AccuracyPoint[]): Promise<string> {
  return svg({
    width: 480,
    height: 240,
    config: theme,
    data: { values: [...points] },
    mark: { type: 'line', color: accent, strokeWidth: 2.2, point: { color: accent, filled: true, size: 36 } },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        title: 'epoch',
        axis: { tickMinStep: 1, format: 'd', grid: false },
      },
      y: {
        field: 'accuracy',
        type: 'quantitative',
        title: 'validation accuracy, %',
        scale: { domain: [0, 100] },
      },
    },
  });
}

/** Rows: what the pictures show; columns: what the model said; shade: share of the row. */
export function confusionChart(
  matrix: readonly (readonly number[])[],
  classes: readonly string[],
): Promise<string> {
  const values = matrix.flatMap((row, truth) => {
    const total = Math.max(
      1,
      row.reduce((sum, count) => sum + count, 0),
    );
    return row.map((count, guess) => ({
      truth: classes[truth] ?? String(truth),
      guess: classes[guess] ?? String(guess),
      share: count / total,
      text: count === 0 ? '' : String(count),
    }));
  });
  const cell = Math.max(16, Math.min(58, 420 / classes.length));
  const axis = { domain: false, ticks: false, labelPadding: 8 } as const;
  const x = {
    field: 'guess',
    type: 'nominal',
    title: 'the model says',
    sort: null,
    axis: { ...axis, labelAngle: classes.length > 6 ? -45 : 0 },
  } as const;
  const y = { field: 'truth', type: 'nominal', title: 'the picture shows', sort: null, axis } as const;
  return svg({
    width: cell * classes.length,
    height: cell * classes.length,
    config: theme,
    data: { values },
    layer: [
      {
        mark: { type: 'rect', cornerRadius: 4, stroke: '#fff', strokeWidth: 2 },
        encoding: {
          x,
          y,
          color: {
            field: 'share',
            type: 'quantitative',
            scale: { range: ['#eef4f0', accent], domain: [0, 1] },
            legend: null,
          },
        },
      },
      ...(classes.length > 20
        ? []
        : [
            {
              mark: { type: 'text', fontSize: 13, fontWeight: 600 },
              encoding: {
                x,
                y,
                text: { field: 'text', type: 'nominal' },
                color: { condition: { test: 'datum.share > 0.5', value: '#fff' }, value: ink },
              },
            } as const,
          ]),
    ],
  });
}
