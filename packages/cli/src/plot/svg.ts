/** Charts as SVG files, drawn by Vega without a browser. */

import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Chart, ChartAxis } from './chart.ts';

/** The chart as SVG text. */
export async function chartSvg({ x, y, lines, behind = [], marks = [] }: Chart): Promise<string> {
  const axis = ({ title, log = false }: ChartAxis) => ({
    type: 'quantitative' as const,
    title,
    scale: log ? { type: 'log' as const } : { zero: false },
    axis: { grid: !log },
  });
  const flat = (drawn: Chart['lines']) =>
    drawn.flatMap(({ name, points }) => points.map((point) => ({ ...point, name })));
  const encoding = {
    x: { ...axis(x), field: 'x' },
    y: { ...axis(y), field: 'y' },
    color: { field: 'name', type: 'nominal', title: null, sort: null },
  } as const;
  const spec: TopLevelSpec = {
    width: 640,
    height: 320,
    background: 'white',
    layer: [
      {
        data: { values: flat(behind) },
        mark: { type: 'line', strokeWidth: 1, opacity: 0.3 },
        encoding,
      },
      {
        data: { values: flat(lines) },
        mark: { type: 'line' },
        encoding,
      },
      {
        data: { values: marks.map((mark) => ({ ...mark })) },
        mark: { type: 'rule', strokeDash: [4, 3] },
        encoding: { x: { field: 'x', type: 'quantitative' } },
      },
      {
        data: { values: marks.map((mark) => ({ ...mark })) },
        mark: { type: 'text', align: 'left', dx: 4, y: 10 },
        encoding: { x: { field: 'x', type: 'quantitative' }, text: { field: 'name', type: 'nominal' } },
      },
    ],
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  const text = await view.toSVG();
  view.finalize();
  return text;
}
