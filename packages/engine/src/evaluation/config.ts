/** The evaluator's part of a config: metrics by type, each with its options and, where the user wants one, a prefix for its names. */

import { z } from 'zod';
import { splitKey, withExtraKey } from '../config/extraKey.ts';
import { type MetricTypes, metrics } from '../config/registries.ts';
import type { TypedConfig } from '../config/registry.ts';
import './dumpResults.ts';
import { Evaluator } from './evaluator.ts';

/** `prefix` takes the place of the metric's own: `accuracy/top1` becomes `PREFIX/top1`. */
export type EvaluatorConfig = TypedConfig<MetricTypes> & { readonly prefix?: string };

export const evaluatorSchema: z.ZodType<readonly EvaluatorConfig[]> = z.array(
  withExtraKey<EvaluatorConfig>(() => metrics.schema(), 'prefix', z.string().min(1)),
);

export function buildEvaluator(configs: readonly EvaluatorConfig[] = []): Evaluator {
  return new Evaluator(
    configs.map((config) => ({
      metric: metrics.build(metrics.schema().parse(splitKey(config, 'prefix').rest)),
      prefix: config.prefix ?? null,
    })),
  );
}
