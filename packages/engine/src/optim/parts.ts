/**
 * Parts of a model with optimisers of their own (`optimWrapper.optimizers`): what MMEngine's `OptimWrapperDict` is for, where one loss trains all parts. Every
 * trainable parameter belongs to the part with the longest path that its name begins with, else to the main optimiser, whose path is ''.
 */

import { OmmaError } from '@omma/core';
import type { Optimizer, Parameter, ParameterRule } from '@omma/nn';
import type { TrainableModel } from '../runner/model.ts';
import { checkModulePath } from '../runner/modulePath.ts';
import type { SchedulerConfig } from '../schedule/types.ts';
import { buildOptimizer, type OptimizerConfig } from './optimizer.ts';

export interface OptimizerPart {
  /** Module path; '' for the main optimiser. */
  readonly path: string;
  readonly optimizer: Optimizer;
  /** The learning rate before any schedule. */
  readonly lr: number;
}

export type NamedParameter = readonly [string, Parameter];

/** The part that the parameter called `name` belongs to. */
export function partOf<P extends { readonly path: string }>(parts: readonly P[], name: string): P {
  const [best] = parts
    .filter(({ path }) => path === '' || name.startsWith(`${path}.`))
    .sort((a, b) => b.path.length - a.path.length);
  if (best === undefined) throw new Error(`optimizers: ${name} belongs to none`);
  return best;
}

/** The parts of `model` that `configs` names, by module path; `scale` times their learning rates. */
export function buildParts(
  model: TrainableModel,
  configs: Readonly<Record<string, OptimizerConfig>>,
  rule: ParameterRule,
  scale: number,
): OptimizerPart[] {
  return Object.entries(configs).map(([path, config]) => {
    checkModulePath(model, path, 'optimWrapper.optimizers');
    checkMovesSomething(model, path, Object.keys(configs));
    const optimizer = buildOptimizer(config, rule);
    optimizer.sharedPrefix = `${path}.`;
    return { path, optimizer, lr: config.lr * scale };
  });
}

/** Refuses an optimiser that would have no parameter to move, as PyTorch does: it would be a part of the config without effect. */
function checkMovesSomething(model: TrainableModel, path: string, paths: readonly string[]): void {
  const named = model.namedParameters().filter(([name]) => name.startsWith(`${path}.`));
  const trainable = named.filter(([, { trainable }]) => trainable);
  const parts = ['', ...paths].map((each) => ({ path: each }));
  if (trainable.some(([name]) => partOf(parts, name).path === path)) return;
  const reason =
    named.length === 0
      ? 'has no parameters'
      : trainable.length === 0
        ? `has ${named.length} ${named.length === 1 ? 'parameter' : 'parameters'}, all frozen`
        : 'has no parameters but those of other entries';
  throw new OmmaError(
    `optimWrapper.optimizers: ${path} ${reason}, so its optimizer would move nothing; take the entry out${trainable.length === 0 && named.length > 0 ? ', or unfreeze the module' : ''}`,
  );
}

/** Refuses a schedule that is for an optimiser which there is none of. */
export function checkScheduled(
  parts: readonly OptimizerPart[],
  schedulers: readonly SchedulerConfig[],
): void {
  const known = parts.flatMap(({ path }) => (path === '' ? [] : [path]));
  for (const { type, optimizer = '' } of schedulers) {
    if (optimizer === '' || known.includes(optimizer)) continue;
    throw new OmmaError(
      `paramScheduler: ${type} is for the optimizer of ${optimizer}, but optimWrapper.optimizers has ${known.join(', ') || 'none'}`,
    );
  }
}
