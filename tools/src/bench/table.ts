/** The benchmark's rows as one aligned table for people. */

import type { Reason, Row } from './row.ts';

const headings = ['benchmark', 'ours', 'peer', "peer's", 'ratio', 'note'] as const;
/** Columns of numbers stand on the right. */
const rightAligned: readonly boolean[] = [false, true, false, true, true, false];

/** The table, a line a row, without a newline at the end. A missing number is an empty cell. */
export function formatTable(rows: readonly Row[]): string {
  const cells = [[...headings], ...rows.map(cellsOf)];
  const widths = headings.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map((line) =>
    line
      .map((cell, column) =>
        rightAligned[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

/** A row as one line, for progress. */
export function formatRow(row: Row): string {
  const [name, ours, peer, theirs, ratio] = cellsOf(row);
  const against = peer === '' ? '' : `, ${peer} ${theirs || '-'}${ratio === '' ? '' : `, ratio ${ratio}`}`;
  return `${name}: ${ours || '-'}${against}`;
}

function cellsOf(row: Row): string[] {
  const inMemory = row.ours_mib !== undefined || row.peer_mib !== undefined;
  return [
    row.name,
    row.ours_bytes !== undefined
      ? formatBytes(row.ours_bytes)
      : inMemory
        ? formatMib(row.ours_mib)
        : formatTime(row.ours_ms),
    row.peer ?? '',
    inMemory ? formatMib(row.peer_mib) : formatTime(row.peer_ms),
    row.ratio === null ? '' : formatRatio(row.ratio),
    noteOf(row),
  ];
}

/** Two decimals, or two digits where that would be one. */
function formatRatio(ratio: number): string {
  return ratio < 0.095 ? ratio.toPrecision(2) : ratio.toFixed(2);
}

/** Milliseconds, or seconds from a minute on. */
export function formatTime(ms: number | null): string {
  if (ms === null) return '';
  return ms >= 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

function formatMib(mib: number | null | undefined): string {
  return mib === null || mib === undefined ? '' : `${mib.toFixed(0)} MiB`;
}

function formatBytes(bytes: number | null): string {
  if (bytes === null) return '';
  return bytes < 10_000 ? `${bytes.toFixed(0)} B` : `${(bytes / 1024).toFixed(1)} KiB`;
}

/** Spread, what the peer chose, accuracies, and reasons for what is missing. */
function noteOf(row: Row): string {
  const widest = Math.max(row.ours_spread ?? 0, row.peer_spread ?? 0);
  const percent = (value: number | null | undefined) =>
    value === null || value === undefined ? '-' : `${value.toFixed(1)} %`;
  return [
    row.detail ?? '',
    widest === 0 ? '' : `rounds within ${(100 * widest).toFixed(0)} %`,
    row.ours_top1 === undefined ? '' : `top-1 ${percent(row.ours_top1)} against ${percent(row.peer_top1)}`,
    ...reasonsOf(row),
  ]
    .filter((part) => part !== '')
    .join('; ');
}

/** Why numbers are missing. What holds for both sides is said once. */
function reasonsOf({ ours_reason, peer_reason }: Row): string[] {
  const text = (side: string, reason: Reason | undefined) =>
    reason === undefined ? '' : `${side}${reason.kind}: ${reason.text}`;
  if (ours_reason !== undefined && ours_reason.text === peer_reason?.text) return [text('', ours_reason)];
  return [text('ours ', ours_reason), text('peer ', peer_reason)];
}
