/** Charts as text: `simple-ascii-chart` draws, here are only the ends of the x axis below. */

import pc from 'picocolors';
import { type Color, plot } from 'simple-ascii-chart';
import type { Chart, ChartAxis } from './chart.ts';

const height = 14;
/** What the labels of the y axis take at most. */
const margin = 12;
/** Of the lines, when there are several and the terminal has colours. */
const colours = [
  'ansiCyan',
  'ansiYellow',
  'ansiMagenta',
  'ansiGreen',
  'ansiRed',
  'ansiBlue',
] as const satisfies Color[];
const painters = [pc.cyan, pc.yellow, pc.magenta, pc.green, pc.red, pc.blue];

/** The chart, no wider than `columns` characters. */
export function chartText({ x, y, lines }: Chart, columns: number): string {
  const width = Math.max(20, Math.min(columns, 100) - margin);
  const series = lines.map(({ points }) =>
    points.map(({ x: across, y: up }): [number, number] => [placed(x, across), placed(y, up)]),
  );
  const coloured = lines.length > 1 && pc.isColorSupported;
  const drawn = plot(series, {
    ...(coloured ? { color: lines.map((_, i) => colours[i % colours.length] ?? 'ansiCyan') } : {}),
    width,
    height,
    hideXAxisTicks: true,
    hideXAxis: true,
    formatter: (value) => y.format(y.log === true ? 10 ** value : value),
  });
  const all = lines.flatMap(({ points }) => points.map((point) => point.x));
  const [first, last] = [x.format(Math.min(...all)), x.format(Math.max(...all))];
  const rows = drawn.split('\n').filter((row) => row.trim() !== '');
  const end = Math.max(...rows.map((row) => row.trimEnd().length));
  const begin = Math.max(0, end - width);
  const below = `${' '.repeat(begin)}${first}`.padEnd(end - last.length) + last;
  const legend = lines.map(({ name }, i) => `${painters[i % painters.length]?.('━━') ?? ''} ${name}`);
  return [
    `${y.title} over ${x.title}`,
    ...rows.map((row) => row.trimEnd()),
    below,
    ...(coloured ? [`${' '.repeat(begin)}${legend.join('   ')}`] : []),
  ].join('\n');
}

function placed({ log = false }: ChartAxis, value: number): number {
  return log ? Math.log10(value) : value;
}
