/** Parameters, FLOPs and activations of a model, module by module: MMEngine's `get_model_complexity_info`, read from the traced graph. */

import {
  countOperations,
  type OperationRule,
  sizeOf,
  type TensorRecord,
  type TensorType,
  trace,
} from '@omma/core';
import type { AnyModule } from '../module.ts';

export interface ModuleComplexity {
  /** Path of the module; '' is the model itself. */
  readonly path: string;
  /** Name of its class. */
  readonly type: string;
  /** Numbers in its parameters, and in those below. One that two modules share counts under the first alone. */
  readonly parameters: number;
  /** Multiply-adds, and what else counts by fvcore's convention: see `countOperations`. */
  readonly flops: number;
  /** Elements that its convolutions and matrix products put out. */
  readonly activations: number;
}

export interface ModelComplexity {
  /** Every module, parents before their children; the first is the model. */
  readonly modules: readonly ModuleComplexity[];
  /** Ops that the count lacks, and how often they occur; empty unless an op of your own has neither a rule nor a lowering. */
  readonly uncounted: Readonly<Record<string, number>>;
}

/**
 * Counts what `forward` does with inputs of these types, in evaluation mode; the model is back in training mode afterwards if it was before.
 *
 *     modelComplexity(model, ({ x }) => ({ y: model.call(x) }), { x: { shape: [1, 3, 224, 224], dtype: 'float32' } })
 *
 * Counts are of the whole batch: give a batch of one. `rules` counts ops of your own.
 */
export function modelComplexity(
  model: AnyModule,
  forward: (inputs: TensorRecord) => TensorRecord,
  inputs: Readonly<Record<string, TensorType>>,
  rules: Readonly<Record<string, OperationRule>> = {},
): ModelComplexity {
  const { training } = model;
  model.eval();
  try {
    const { nodes, uncounted } = countOperations(trace(forward, inputs), rules);
    const parameters = model.namedParameters().map(([name, { shape }]) => ({ name, size: sizeOf(shape) }));
    const modules = model.namedModules().map(([path, module]) => {
      const own = nodes.filter(({ scope }) => isWithin(scope, path));
      return {
        path,
        type: module.constructor.name,
        parameters: sum(parameters.filter(({ name }) => isWithin(name, path)).map(({ size }) => size)),
        flops: sum(own.map(({ flops }) => flops)),
        activations: sum(own.map(({ activations }) => activations)),
      };
    });
    return { modules, uncounted };
  } finally {
    model.train(training);
  }
}

function isWithin(name: string, path: string): boolean {
  return path === '' || name === path || name.startsWith(`${path}.`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
