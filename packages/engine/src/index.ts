/**
 * @omma/engine: config, registry, Runner, loops, hooks, schedules, evaluation, checkpoints, logs.
 *
 * Above the layers (nn), below the tasks. It trains whatever a task hands it and knows no task.
 */

export * from './data/types.ts';
export * from './runner/events.ts';
export * from './config/load.ts';
export * from './config/overrides.ts';
export * from './config/problems.ts';
export * from './config/registries.ts';
export * from './config/registry.ts';
export * from './config/schema.ts';
export * from './config/types.ts';
export * from './runner/model.ts';
export * from './runner/optimizer.ts';
export * from './schedule/types.ts';
export * from './runner/api.ts';
