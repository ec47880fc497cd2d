/** The machine that the board runs on: its load now and since the page was opened. */

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { formatBytes } from './format.ts';
import { loads, theme } from './state.ts';

export function System() {
  const now = loads.value.at(-1);
  if (now === undefined) return <p class="empty">Waiting for the first sample.</p>;
  return (
    <>
      <div class="tiles">
        <Tile title={`processor, ${now.cores.length} cores`} value={`${Math.round(100 * now.cpu)} %`} />
        <Tile title="load average" value={now.load.toFixed(1)} />
        <Tile title={`memory of ${formatBytes(now.memoryTotal)}`} value={formatBytes(now.memoryUsed)} />
        <Tile title={`disk free of ${formatBytes(now.diskTotal)}`} value={formatBytes(now.diskFree)} />
      </div>
      <div class="charts">
        <LoadChart title="Processor, %" of={(load) => 100 * load.cpu} top={100} />
        <LoadChart title="Memory, GB" of={(load) => load.memoryUsed / 1e9} top={now.memoryTotal / 1e9} />
      </div>
    </>
  );
}

function Tile({ title, value }: { readonly title: string; readonly value: string }) {
  return (
    <div class="tile">
      <b>{value}</b>
      <span>{title}</span>
    </div>
  );
}

interface LoadChartProps {
  readonly title: string;
  readonly top: number;
  of(load: (typeof loads.value)[number]): number;
}

function LoadChart({ title, of, top }: LoadChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const box = place.current;
    if (box === null) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const look = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
    };
    const chart = new uPlot(
      {
        width: box.clientWidth,
        height: 200,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: true }, y: { range: [0, top] } },
        axes: [look, { ...look, size: 44 }],
        series: [
          {},
          {
            stroke: colour('--accent'),
            fill: `${colour('--accent')}22`,
            width: 1.6,
            points: { show: false },
          },
        ],
      },
      [[], []],
      box,
    );
    plot.current = chart;
    const resize = new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: 200 }));
    resize.observe(box);
    return () => {
      resize.disconnect();
      chart.destroy();
    };
  }, [theme.value]);
  useEffect(() => {
    plot.current?.setData([loads.value.map(({ time }) => time / 1000), loads.value.map(of)]);
  }, [loads.value, theme.value]);
  return (
    <section class="card">
      <header>
        <b>{title}</b>
      </header>
      <div ref={place} />
    </section>
  );
}
