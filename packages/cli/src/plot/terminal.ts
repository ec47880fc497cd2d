/** Charts as text: `simple-ascii-chart` draws, here are only the ends of the x axis below. */

import { plot } from 'simple-ascii-chart';
import type { Chart, ChartAxis } from './chart.ts';

const height = 14;
/** What the labels of the y axis take at most. */
const margin = 12;

/** The chart, no wider than `columns` characters. */
export function chartText({ x, y, lines }: Chart, columns: number): string {
  const width = Math.max(20, Math.min(columns, 100) - margin);
  const series = lines.map(({ points }) =>
    points.map(({ x: across, y: up }): [number, number] => [placed(x, across), placed(y, up)]),
  );
  const drawn = plot(series, {
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
  return [`${y.title} over ${x.title}`, ...rows.map((row) => row.trimEnd()), below].join('\n');
}

function placed({ log = false }: ChartAxis, value: number): number {
  return log ? Math.log10(value) : value;
}
