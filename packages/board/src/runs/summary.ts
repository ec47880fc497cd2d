/** A run in the few words of lists. */

import type { RunSummary } from '../api.ts';
import type { Run } from './run.ts';

export function summaryOf(run: Run): RunSummary {
  const { outcome: _outcome, images, config: _config, ...state } = run.state;
  return {
    name: run.name,
    status: run.status,
    ...state,
    curves: run.curveNames,
    images: images.length,
    points: run.tables.train.rows,
    read: run.offset,
    bytes: Math.max(run.size, run.offset),
  };
}
