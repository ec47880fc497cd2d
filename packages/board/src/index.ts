/**
 * @omma/board: training runs read back. Finds the logs under a folder of work directories, keeps their curves ready, compares runs, and
 * serves them as a web dashboard.
 *
 * It knows a run by its files alone (log.jsonl and the pictures beside it), so it imports nothing of the engine.
 */

export type * from './api.ts';
export { Column } from './curves/column.ts';
export { type CurveQuery, queryCurve } from './curves/curve.ts';
export { downsample, type Points } from './curves/downsample.ts';
export { smoothed } from './curves/smooth.ts';
export { Table } from './curves/table.ts';
export { compareConfigs } from './runs/compare.ts';
export { isBetter } from './runs/reduce.ts';
export { Run, type RunStatus } from './runs/run.ts';
export { RunSet, type RunSetOptions } from './runs/runSet.ts';
export type { MetricSummary, RunImage, RunState } from './runs/state.ts';
export { summaryOf } from './runs/summary.ts';
export { type Board, type BoardOptions, serveBoard } from './server/server.ts';
