/**
 * @omma/engine: config, registry, Runner, loops, hooks, schedules, evaluation, checkpoints, logs.
 *
 * Above the layers (nn), below the tasks. It trains whatever a task hands it and knows no task.
 */

export * from './checkpoint/checkpoint.ts';
export * from './checkpoint/files.ts';
export * from './checkpoint/folder.ts';
export * from './checkpoint/manifest.ts';
export * from './checkpoint/modelWeights.ts';
export * from './checkpoint/names.ts';
export * from './checkpoint/pytorch/index.ts';
export * from './checkpoint/restore.ts';
export * from './checkpoint/safetensorsFile.ts';
export * from './checkpoint/source.ts';
export * from './checkpoint/storedTensor.ts';
export * from './checkpoint/weightChoice.ts';
export * from './config/load.ts';
export * from './config/nearest.ts';
export * from './config/overrides.ts';
export * from './config/problems.ts';
export * from './config/registries.ts';
export * from './config/registry.ts';
export * from './config/schema.ts';
export * from './config/types.ts';
export * from './data/batch.ts';
export * from './data/config.ts';
export * from './data/loader.ts';
export * from './data/sampler.ts';
export * from './data/types.ts';
export * from './distributed/agreement.ts';
export * from './distributed/buckets.ts';
export * from './distributed/dataParallelStep.ts';
export * from './distributed/distributed.ts';
export * from './distributed/environment.ts';
export * from './distributed/processGroup.ts';
export * from './hooks/checkpointHook.ts';
export * from './hooks/hook.ts';
export * from './log/backend.ts';
export * from './log/config.ts';
export * from './log/local.ts';
export * from './log/logProcessor.ts';
export * from './log/visualizer.ts';
export * from './runner/api.ts';
export * from './runner/context.ts';
export * from './runner/evaluationStep.ts';
export * from './runner/events.ts';
export * from './runner/model.ts';
export * from './runner/optimizer.ts';
export * from './runner/precision.ts';
export * from './runner/runner.ts';
export * from './runner/stepParts.ts';
export * from './runner/trainState.ts';
export * from './runner/trainStep.ts';
export * from './schedule/learningRates.ts';
export * from './schedule/types.ts';
export * from './version.ts';
