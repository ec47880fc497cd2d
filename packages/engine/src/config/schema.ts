/** The schema of a whole config: the same as config/types.ts, checked at start. */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import { dataloaderSchema } from '../data/config.ts';
import { distributedConfigSchema } from '../distributed/config.ts';
import { evaluatorSchema } from '../evaluation/config.ts';
import { customHookSchema, defaultHooksSchema } from '../hooks/config.ts';
import { logLevels, logProcessorSchema, visualizerSchema } from '../log/config.ts';
import { evaluationConfigSchema, trainConfigSchema } from '../loops/config.ts';
import { optimWrapperSchema } from '../optim/config.ts';
import { loadFromSchema } from '../runner/loadFrom.ts';
import { schedulerSchema } from '../schedule/schema.ts';
import { spanProblems } from '../schedule/spans.ts';
import { companionProblems } from './companions.ts';
import { withDocstrings } from './docstrings.ts';
import { type JsonSchema, jsonSchemaOf } from './jsonSchema.ts';
import { formatProblem, type PlaceOf, type Problem, problemsOf } from './problems.ts';
import { models, ttaModels } from './registries.ts';
import type { Config } from './types.ts';

const count = z.int().positive();

export const configSchema: z.ZodType<Config> = z.strictObject({
  model: models.schema(),
  trainDataloader: dataloaderSchema.exactOptional(),
  valDataloader: dataloaderSchema.exactOptional(),
  testDataloader: dataloaderSchema.exactOptional(),
  valEvaluator: evaluatorSchema.exactOptional(),
  testEvaluator: evaluatorSchema.exactOptional(),
  ttaModel: ttaModels.schema().exactOptional(),
  ttaDataloader: dataloaderSchema.exactOptional(),
  optimWrapper: optimWrapperSchema.exactOptional(),
  paramScheduler: z.array(schedulerSchema).exactOptional(),
  trainConfig: trainConfigSchema.exactOptional(),
  valConfig: evaluationConfigSchema.exactOptional(),
  testConfig: evaluationConfigSchema.exactOptional(),
  autoScaleLr: z.strictObject({ enable: z.boolean(), baseBatchSize: count }).exactOptional(),
  defaultHooks: defaultHooksSchema.exactOptional(),
  customHooks: z.array(customHookSchema).exactOptional(),
  visualizer: visualizerSchema.exactOptional(),
  logProcessor: logProcessorSchema.exactOptional(),
  logLevel: z.enum(logLevels).exactOptional(),
  randomness: z.strictObject({ seed: z.int().min(0).max(0xffffffff).exactOptional() }).exactOptional(),
  syncBn: z.boolean().exactOptional(),
  activationCheckpointing: z.array(z.string().min(1)).exactOptional(),
  distributed: distributedConfigSchema.exactOptional(),
  device: z.string().exactOptional(),
  experimentName: z.string().min(1).exactOptional(),
  workDir: z.string().min(1).exactOptional(),
  loadFrom: loadFromSchema.exactOptional(),
  resume: z.boolean().exactOptional(),
});

/** Mistakes that are told at once: whoever has more has made one of them many times. */
const mostShown = 200;

/**
 * The config as checked, or an OmmaError with every mistake, a line each. `source` names the file; `placeOf` tells, where it knows
 * better, which file and line set the value at a path.
 */
export function checkConfig(value: unknown, source = 'config', placeOf?: PlaceOf): Config {
  return checked(value, configProblems(value), source, placeOf);
}

/** Everything that is wrong with a config before it runs: its values, what is missing beside others, schedules without a span. */
export function configProblems(value: unknown): Problem[] {
  return [...problemsOf(configSchema, value), ...companionProblems(value), ...spanProblems(value)];
}

/** As `checkConfig`, for the config of a run that is over: nobody asks whether another one could go by it. */
export function checkPastConfig(value: unknown, source: string): Config {
  return checked(value, problemsOf(configSchema, value), source);
}

function checked(value: unknown, problems: readonly Problem[], source: string, placeOf?: PlaceOf): Config {
  const lines = problems.map((problem) =>
    formatProblem(problem, placeOf?.(problem.cause ?? problem.path) ?? null),
  );
  if (lines.length === 1) throw new OmmaError(`${source}: ${lines[0]}`);
  if (lines.length > 1) {
    const more = lines.length > mostShown ? [`and ${lines.length - mostShown} more`] : [];
    const shown = [...lines.slice(0, mostShown), ...more].map((line) => `  ${line}`);
    throw new OmmaError(`${source} has ${lines.length} mistakes:\n${shown.join('\n')}`);
  }
  return configSchema.parse(value);
}

/** The JSON Schema of config files with the types that are registered now, for editors: `omma config schema`. */
export function configJsonSchema(): JsonSchema {
  return jsonSchemaOf(configSchema, (schema) => withDocstrings(schema, 'Config', './types'));
}
