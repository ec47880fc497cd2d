/**
 * @omma/cli: the commands of `omma` as functions.
 *
 * The highest room: it may import every other package and none imports it, save the repository's own tools.
 */

export { type ExportModelOptions, exportModel } from './commands/export.ts';
export { type PredictOptions, predict } from './commands/predict.ts';
export { test } from './commands/test.ts';
export { type TrainOptions, train } from './commands/train.ts';
export { buildProgram } from './program.ts';
export { type AscendModel, inferenceModel, trainingModel } from './run/ascendModels.ts';
export { openCheckpoint } from './run/checkpointModel.ts';
export { collectEnvironment, type EnvironmentReport } from './run/environment.ts';
export { trainingReport } from './terminal/trainingReport.ts';
