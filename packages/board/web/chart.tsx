/**
 * One chart: a curve of all chosen runs. The server thins the points out to what the screen can show, so a chart is equally quick with a thousand
 * points and with millions; zooming and panning move what is there at once and ask for the finer points of the new range.
 */

import type { CurveAxis, CurveData } from '@omma/board';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { formatCount, formatDuration, formatTick, formatTime } from './format.ts';
import { ask, axis, axisTitles, chosenRuns, colourOf, connected, smoothing, theme } from './state.ts';
import { fillTip, placeTip, type TipValue } from './tip.ts';

interface Range {
  readonly min: number;
  readonly max: number;
}

/** Milliseconds after the last movement before finer points are asked for. */
const settle = 60;
const height = 236;
/** Runs in a chart that are drawn anew with every news, and milliseconds for each that more of them wait. */
const few = 8;
const perRun = 125;
/** Label of a curve that lies behind its smoothed one. */
const unnamed = '\u0000';

export function Chart({ curve }: { readonly curve: string }) {
  const place = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const plot = useRef<PlotView | null>(null);
  const wide = useSignal(false);
  const logarithmic = useSignal(false);
  const zoomed = useSignal(false);
  const points = useSignal(0);
  const shown = chosenRuns.value.filter(({ curves }) => curves.includes(curve));
  const names = shown.map(({ name }) => name).join('\n');
  // What was asked while the server was away is asked again.
  const news = `${shown.map((run) => run.points).join()} ${connected.value}`;

  useEffect(() => {
    if (place.current === null || tip.current === null) return;
    const view = new PlotView(place.current, tip.current, curve, {
      logarithmic: logarithmic.value,
      axis: axis.value,
      onZoom: (range) => {
        zoomed.value = range !== null;
      },
      onPoints: (count) => {
        points.value = count;
      },
    });
    plot.current = view;
    return () => view.destroy();
  }, [curve, axis.value, logarithmic.value, theme.value, wide.value]);

  useEffect(() => {
    plot.current?.load(names === '' ? [] : names.split('\n'), smoothing.value);
  }, [curve, names, news, smoothing.value, axis.value, logarithmic.value, theme.value, wide.value]);

  return (
    <section class={wide.value ? 'card wide' : 'card'} data-curve={curve} data-points={points.value}>
      <header>
        <b title={curve}>{curve.replace(/^(train|val)\//, '')}</b>
        <small>{points.value > 0 ? `${formatCount(points.value)} points` : ''}</small>
        <span class="tools">
          {zoomed.value && (
            <button type="button" onClick={() => plot.current?.reset()}>
              reset zoom
            </button>
          )}
          <button
            type="button"
            aria-pressed={logarithmic.value}
            title="logarithmic scale"
            onClick={() => {
              logarithmic.value = !logarithmic.value;
            }}
          >
            log
          </button>
          <button
            type="button"
            aria-pressed={wide.value}
            title="wide"
            onClick={() => {
              wide.value = !wide.value;
            }}
          >
            ⤢
          </button>
        </span>
      </header>
      <div ref={place} />
      <div ref={tip} class="tip" />
    </section>
  );
}

interface PlotOptions {
  readonly logarithmic: boolean;
  readonly axis: CurveAxis;
  onZoom(range: Range | null): void;
  onPoints(count: number): void;
}

/** uPlot, with the server behind it. */
class PlotView {
  readonly #place: HTMLElement;
  readonly #tip: HTMLElement;
  readonly #curve: string;
  readonly #options: PlotOptions;
  readonly #resize: ResizeObserver;
  readonly #seen: IntersectionObserver;
  #plot: uPlot | null = null;
  #runs: readonly string[] = [];
  #drawn = '';
  #smoothing = 0;
  #range: Range | null = null;
  #visible = false;
  #due = false;
  #timer = 0;
  #asked = 0;
  #fetched = 0;
  #gone = false;

  constructor(place: HTMLElement, tip: HTMLElement, curve: string, options: PlotOptions) {
    this.#place = place;
    this.#tip = tip;
    this.#curve = curve;
    this.#options = options;
    this.#resize = new ResizeObserver(() => this.#plot?.setSize({ width: place.clientWidth, height }));
    this.#resize.observe(place);
    place.style.minHeight = `${height}px`;
    // Charts off the screen wait until they are scrolled to.
    this.#seen = new IntersectionObserver(
      (entries) => {
        this.#visible = entries.some(({ isIntersecting }) => isIntersecting);
        if (this.#visible && this.#due) void this.#fetch();
      },
      { rootMargin: '200px' },
    );
    this.#seen.observe(place);
  }

  load(runs: readonly string[], weight: number): void {
    const sameAsked = weight === this.#smoothing && runs.join('\n') === this.#runs.join('\n');
    this.#runs = runs;
    this.#smoothing = weight;
    this.#due = true;
    // Of many runs some has news every second, and all their points would be sent and drawn each time.
    const wait = sameAsked && runs.length > few ? runs.length * perRun : 0;
    if (this.#visible) this.#later(Math.max(0, this.#fetched + wait - performance.now()));
  }

  reset(): void {
    this.#range = null;
    this.#options.onZoom(null);
    this.#later(0);
  }

  destroy(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
    this.#resize.disconnect();
    this.#seen.disconnect();
    this.#plot?.destroy();
  }

  #later(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#fetch(), milliseconds);
  }

  async #fetch(): Promise<void> {
    const asked = ++this.#asked;
    this.#fetched = performance.now();
    this.#due = false;
    const range = this.#range;
    const width = Math.max(100, this.#place.clientWidth);
    // Half a screen more on either side, for what is panned to next.
    const margin = range === null ? 0 : (range.max - range.min) / 2;
    const data = await ask<CurveData[]>('curve', {
      run: this.#runs,
      curve: this.#curve,
      axis: this.#options.axis,
      smoothing: String(this.#smoothing),
      pixels: String(Math.round(width * devicePixelRatio * (range === null ? 1 : 2))),
      ...(range === null ? {} : { from: String(range.min - margin), to: String(range.max + margin) }),
    }).catch(() => null);
    // A later question has been asked meanwhile, or the server is away for a moment.
    if (data === null || asked !== this.#asked || this.#gone) return;
    this.#options.onPoints(data.reduce((sum, { points }) => sum + points, 0));
    this.#show(data, width);
  }

  #show(data: readonly CurveData[], width: number): void {
    const smooth = data.some(({ smoothX }) => smoothX.length > 0);
    const drawn = JSON.stringify([data.map(({ run }) => run), smooth]);
    const tables = data.flatMap(({ x, y, smoothX, smoothY }): uPlot.AlignedData[] => {
      const raw: uPlot.AlignedData = [[...x], [...y]];
      return smooth ? [raw, smoothX.length > 0 ? [[...smoothX], [...smoothY]] : raw] : [raw];
    });
    const joined: uPlot.AlignedData = tables.length === 0 ? [[]] : uPlot.join(tables);
    if (this.#plot === null || drawn !== this.#drawn) {
      this.#plot?.destroy();
      this.#drawn = drawn;
      this.#plot = new uPlot(this.#uplotOptions(data, smooth, width), joined, this.#place);
      this.#bindMouse(this.#plot);
    } else this.#plot.setData(joined, this.#range === null);
    if (this.#range !== null) this.#plot.setScale('x', this.#range);
  }

  #uplotOptions(data: readonly CurveData[], smooth: boolean, width: number): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const line = (run: string, bold: boolean): uPlot.Series => ({
      label: bold ? run : unnamed,
      stroke: bold ? colourOf(run) : `${colourOf(run)}48`,
      width: bold ? 1.6 : 1,
      spanGaps: true,
      points: { show: false },
    });
    const look: uPlot.Axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, "DejaVu Sans", sans-serif',
    };
    const sparse = Math.max(0, ...data.map(({ x }) => x.length)) <= 60;
    return {
      width,
      height,
      legend: { show: false },
      padding: [8, 24, 0, 0],
      scales: { x: { time: this.#options.axis === 'wall' }, y: { distr: this.#options.logarithmic ? 3 : 1 } },
      ms: 1,
      axes: [
        {
          ...look,
          size: 26,
          label: axisTitles[this.#options.axis],
          labelSize: 16,
          labelGap: 0,
          labelFont: look.font ?? '',
          values: (_plot, splits) => splits.map((value) => tickLabel(value, this.#options.axis)),
        },
        {
          ...look,
          size: 56,
          values: (_plot, splits) => splits.map(formatTick),
        },
      ],
      series: [
        {},
        ...data.flatMap(({ run }) => {
          const bold: uPlot.Series = {
            ...line(run, true),
            ...(sparse ? { points: { show: true, size: 4 } } : {}),
          };
          return smooth ? [line(run, false), bold] : [bold];
        }),
      ],
      cursor: {
        sync: { key: 'board', setSeries: false },
        points: { size: 6 },
        drag: { x: true, y: false, setScale: false },
        dataIdx: nearestPoint,
        bind: {
          dblclick: () => () => {
            this.reset();
            return null;
          },
        },
      },
      hooks: {
        setSelect: [
          (plot) => {
            const { left, width: wide } = plot.select;
            if (wide < 4) return;
            this.#zoom({ min: plot.posToVal(left, 'x'), max: plot.posToVal(left + wide, 'x') });
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
        setCursor: [(plot) => this.#showTip(plot)],
      },
    };
  }

  /** Shows a range with the points that are there, and asks for finer ones. */
  #zoom(range: Range): void {
    this.#range = range;
    this.#plot?.setScale('x', range);
    this.#options.onZoom(range);
    this.#later(settle);
  }

  /** The wheel zooms at the pointer; dragging with Shift or the middle button pans. */
  #bindMouse(plot: uPlot): void {
    const { over } = plot;
    const range = (): Range | null => {
      const { min, max } = plot.scales.x ?? {};
      return typeof min === 'number' && typeof max === 'number' ? { min, max } : null;
    };
    over.addEventListener(
      'wheel',
      (event) => {
        const now = range();
        if (now === null) return;
        event.preventDefault();
        const at = plot.posToVal(event.offsetX, 'x');
        const factor = 1.0015 ** Math.max(-400, Math.min(400, event.deltaY));
        this.#zoom({ min: at - (at - now.min) * factor, max: at + (now.max - at) * factor });
      },
      { passive: false },
    );
    over.addEventListener(
      'mousedown',
      (event) => {
        const begin = range();
        if (begin === null || !(event.button === 1 || event.shiftKey)) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        const perPixel = (begin.max - begin.min) / Math.max(1, over.clientWidth);
        const move = (moved: MouseEvent) => {
          const by = (event.clientX - moved.clientX) * perPixel;
          this.#zoom({ min: begin.min + by, max: begin.max + by });
        };
        const end = () => {
          window.removeEventListener('mousemove', move);
          window.removeEventListener('mouseup', end);
        };
        window.addEventListener('mousemove', move);
        window.addEventListener('mouseup', end);
      },
      { capture: true },
    );
  }

  #showTip(plot: uPlot): void {
    const { left = -1, top = 0, idxs = [] } = plot.cursor;
    const hovered = left >= 0 && plot.over.matches(':hover');
    const values = plot.series.flatMap((series, i): TipValue[] => {
      const index = idxs[i];
      const value = i === 0 || index === null || index === undefined ? null : plot.data[i]?.[index];
      return typeof value === 'number' && series.label !== unnamed
        ? [{ run: String(series.label), value }]
        : [];
    });
    if (!hovered || values.length === 0) {
      this.#tip.style.display = 'none';
      return;
    }
    const title = tickLabel(plot.posToVal(left, 'x'), this.#options.axis, true);
    fillTip(this.#tip, title, values, plot.posToVal(top, 'y'));
    placeTip(this.#tip, left + plot.over.offsetLeft, this.#place.clientWidth);
  }
}

/** The nearest point of a curve that has none at the pointer: curves have points at places of their own. Null before a curve begins and after it ends. */
function nearestPoint(plot: uPlot, series: number, index: number): number | null {
  const values = plot.data[series];
  if (series === 0 || values === undefined || typeof values[index] === 'number') return index;
  let [before, after] = [index - 1, index + 1];
  while (before >= 0 && typeof values[before] !== 'number') before--;
  while (after < values.length && typeof values[after] !== 'number') after++;
  if (before < 0 || after >= values.length) return null;
  return index - before <= after - index ? before : after;
}

function tickLabel(value: number, kind: CurveAxis, exact = false): string {
  if (kind === 'wall') return formatTime(value).slice(exact ? 0 : 5);
  if (kind === 'time') return formatDuration(value);
  return exact ? `step ${Math.round(value).toLocaleString('en')}` : formatCount(value);
}
