import { describe, expect, it } from 'vitest';
import { stepsFor } from '../../src/bench/contest.ts';
import { timeRow } from '../../src/bench/row.ts';
import { median, ratioOf, spread, summarize } from '../../src/bench/statistics.ts';
import { formatRow, formatTable, formatTime } from '../../src/bench/table.ts';

describe('statistics', () => {
  it('takes the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 2, 9])).toBe(3);
    expect(median([])).toBeNull();
  });

  it('summarizes rounds by the median of their fastest steps', () => {
    expect(summarize([[10, 99], [30, 12], [11]])).toBe(11);
    expect(summarize([])).toBeNull();
    expect(summarize([[]])).toBeNull();
  });

  it('measures how far rounds lie apart', () => {
    expect(spread([[10], [12], [15, 80]])).toBeCloseTo(5 / 12);
    expect(spread([])).toBeNull();
  });

  it('never makes up a ratio', () => {
    expect(ratioOf(3, 4)).toBe(0.75);
    expect(ratioOf(null, 4)).toBeNull();
    expect(ratioOf(3, null)).toBeNull();
  });

  it('repeats short steps until a round is long enough, and never fewer than asked for', () => {
    const pace = { rounds: 3, steps: 2, roundMs: 100 };
    expect(stepsFor(pace, [10])).toBe(10);
    expect(stepsFor(pace, [5000])).toBe(2);
    expect(stepsFor(pace, [0.001])).toBe(50);
  });
});

describe('rows', () => {
  const measured = { rounds: [[20], [22], [24]] };

  it('carry both times and their ratio under the names of --json', () => {
    const row = timeRow('step', measured, { peer: 'P', side: { rounds: [[44]] } });
    expect(row).toMatchObject({ name: 'step', ours_ms: 22, peer: 'P', peer_ms: 44, ratio: 0.5 });
  });

  it('carry null and a typed reason where a side is missing', () => {
    const reason = { kind: 'missing', text: 'not there' } as const;
    const row = timeRow('step', measured, { peer: 'P', side: { reason } });
    expect(row).toMatchObject({ ours_ms: 22, peer_ms: null, ratio: null, peer_reason: reason });
    expect(timeRow('step', { reason }, { peer: 'P', side: measured })).toMatchObject({
      ours_ms: null,
      peer_ms: 22,
      ratio: null,
      ours_reason: reason,
    });
  });

  it('have no peer where there is none', () => {
    expect(timeRow('step', measured, { peer: null, side: null })).toMatchObject({
      peer: null,
      peer_ms: null,
      ratio: null,
    });
  });
});

describe('the table', () => {
  const rows = [
    timeRow(
      'a step',
      { rounds: [[123.4]] },
      { peer: 'PyTorch 2', side: { rounds: [[250]] }, detail: 'channels_last' },
    ),
    timeRow('x', { rounds: [[5]] }, { peer: 'P', side: { reason: { kind: 'missing', text: 'nowhere' } } }),
    { name: 'mem', ours_ms: null, peer: 'P', peer_ms: null, ratio: 0.5, ours_mib: 1000.2, peer_mib: 2000 },
  ];
  const lines = formatTable(rows).split('\n');

  it('aligns its columns', () => {
    const ends = lines.slice(2).map((line) => line.search(/(ms|MiB) {2}/));
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^benchmark +ours {2}peer/);
    expect(new Set(lines.slice(2).map((line) => line.indexOf('P'))).size).toBe(1);
    expect(ends.every((end) => end > 0)).toBe(true);
  });

  it('shows times, memory, ratios and notes, and leaves what is missing empty', () => {
    expect(lines[2]).toMatch(/123 ms {2}PyTorch 2 +250 ms {2} 0\.49 {2}channels_last$/);
    expect(lines[3]).toMatch(/5\.00 ms {2}P +peer missing: nowhere$/);
    expect(lines[4]).toMatch(/1000 MiB {2}P +2000 MiB {3}0\.50$/);
  });

  it('shows what a step moves in bytes, small numbers to the byte', () => {
    const moved = (bytes: number) => ({
      name: 'moved',
      ours_ms: null,
      peer: null,
      peer_ms: null,
      ratio: null,
      ours_bytes: bytes,
    });
    expect(formatRow(moved(4))).toBe('moved: 4 B');
    expect(formatRow(moved(393_252))).toBe('moved: 384.0 KiB');
  });

  it('says a reason of both sides once', () => {
    const reason = { kind: 'unsupported', text: 'no bfloat16' } as const;
    const line = formatTable([timeRow('bf16', { reason }, { peer: 'P', side: { reason } })]).split('\n')[2];
    expect(line).toMatch(/^bf16 +P +unsupported: no bfloat16$/);
  });

  it('gives one row as a line for progress', () => {
    expect(rows.map(formatRow)).toEqual([
      'a step: 123 ms, PyTorch 2 250 ms, ratio 0.49',
      'x: 5.00 ms, P -',
      'mem: 1000 MiB, P 2000 MiB, ratio 0.50',
    ]);
  });

  it('shows long times in seconds', () => {
    expect(formatTime(61_234)).toBe('61.2 s');
    expect(formatTime(1234)).toBe('1234 ms');
    expect(formatTime(12.34)).toBe('12.3 ms');
    expect(formatTime(null)).toBe('');
  });
});
