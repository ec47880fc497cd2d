import { describe, expect, it } from 'vitest';
import { Column, downsample, smoothed, Table } from '../src/index.ts';

function column(values: readonly number[]): Column {
  const result = new Column();
  for (const value of values) result.push(value);
  return result;
}

/** Numbers that look random and are not. */
function noise(count: number): number[] {
  let state = 7;
  return Array.from({ length: count }, () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  });
}

const all = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

describe('a column', () => {
  it('finds the extremes of any range as looking at every number does, also after it was cut and grew again', () => {
    const values = noise(3000).map((value, i) => (i % 97 === 0 ? Number.NaN : value));
    const own = column(values);
    own.extremes(0, 3000);
    own.truncate(1000);
    for (const value of values.slice(1000)) own.push(value);
    for (const [from, to] of [
      [0, 3000],
      [1, 2999],
      [255, 257],
      [256, 512],
      [100, 2000],
      [97, 98],
      [999, 1001],
    ] as const) {
      const range = values.slice(from, to).filter((value) => !Number.isNaN(value));
      const found = own.extremes(from, to);
      if (range.length === 0) expect(found).toBeNull();
      else
        expect([own.at(found?.smallest ?? 0), own.at(found?.largest ?? 0)]).toEqual([
          Math.min(...range),
          Math.max(...range),
        ]);
    }
  });
});

describe('downsampling', () => {
  it('keeps every spike, and both ends', () => {
    const y = noise(100_000);
    y[54_321] = 50;
    y[54_322] = -50;
    const points = downsample(column(y.map((_, i) => i)), column(y), { ...all, pixels: 500 });
    expect(points.y).toContain(50);
    expect(points.y).toContain(-50);
    expect([points.x[0], points.x.at(-1)]).toEqual([0, 99_999]);
    expect(points.x.length).toBeLessThanOrEqual(1002);
    expect(points.x).toEqual([...points.x].sort((a, b) => a - b));
    expect(points.y).toEqual(points.x.map((x) => y[x]));
  });

  it('gives all points where there are few, and one beyond each end of the range', () => {
    const x = column([0, 1, 2, 3, 4, 5]);
    expect(downsample(x, x, { from: 2, to: 3, pixels: 10 }).x).toEqual([1, 2, 3, 4]);
  });

  it('leaves out what was not logged', () => {
    const x = column([0, 1, 2]);
    expect(downsample(x, column([1, Number.NaN, 3]), { ...all, pixels: 10 })).toEqual({
      x: [0, 2],
      y: [1, 3],
    });
  });
});

describe('smoothing', () => {
  it('is the corrected moving average, whether the curve comes at once or bit by bit', () => {
    const values = noise(300);
    let average = 0;
    const expected = values.map((value, i) => {
      average = 0.9 * average + 0.1 * value;
      return average / (1 - 0.9 ** (i + 1));
    });
    const growing = column(values.slice(0, 100));
    smoothed(growing, 0.9);
    for (const value of values.slice(100)) growing.push(value);
    for (const own of [column(values), growing])
      smoothed(own, 0.9)
        .view()
        .forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 12);
        });
  });

  it('leaves a curve that does not move where it is, to the last bit', () => {
    for (const value of [0.05, 1e-300, -3.3])
      expect([...smoothed(column(new Array(500).fill(value)), 0.97).view()]).toEqual(
        new Array(500).fill(value),
      );
  });

  it('begins at the first value, and steps over what is no number', () => {
    expect(
      [...smoothed(column([4, Number.NaN, 4]), 0.99).view()].map((value) => Math.round(value * 1e6) / 1e6),
    ).toEqual([4, Number.NaN, 4]);
  });
});

describe('a table', () => {
  it('forgets what a resumed run logs anew', () => {
    const resumes = noise(20).map((value) => 1 + Math.floor(50 * value));
    const table = new Table();
    for (const [session, at] of [100, ...resumes].entries()) {
      if (session > 0) table.truncateAfter(at);
      for (let step = table.rows + 1; step <= 60; step++) table.append(step, step, { loss: session });
      expect([...table.step.view()]).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    }
  });

  it('fills the gaps of a curve that begins late', () => {
    const table = new Table();
    table.append(1, 0, { a: 1 });
    table.append(2, 0, { a: 2, b: 5 });
    table.append(3, 0, { b: 6 });
    table.column('a')?.pad(3);
    expect([...(table.column('a')?.view() ?? [])]).toEqual([1, 2, Number.NaN]);
    expect([...(table.column('b')?.view() ?? [])]).toEqual([Number.NaN, 5, 6]);
  });
});
