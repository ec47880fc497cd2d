/** The schema of a whole config: the same as config/types.ts, checked at start. */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import { dataloaderSchema } from '../data/config.ts';
import { evaluatorSchema } from '../evaluation/config.ts';
import { customHookSchema, defaultHooksSchema } from '../hooks/config.ts';
import { logProcessorSchema, visualizerSchema } from '../log/config.ts';
import { trainConfigSchema } from '../loops/config.ts';
import { optimWrapperSchema } from '../optim/config.ts';
import { schedulerSchema } from '../schedule/schema.ts';
import { formatProblem, problemsOf } from './problems.ts';
import { models } from './registries.ts';
import type { Config } from './types.ts';

const count = z.int().positive();

export const configSchema: z.ZodType<Config> = z.strictObject({
  model: models.schema(),
  trainDataloader: dataloaderSchema.exactOptional(),
  valDataloader: dataloaderSchema.exactOptional(),
  testDataloader: dataloaderSchema.exactOptional(),
  valEvaluator: evaluatorSchema.exactOptional(),
  testEvaluator: evaluatorSchema.exactOptional(),
  optimWrapper: optimWrapperSchema.exactOptional(),
  paramScheduler: z.array(schedulerSchema).exactOptional(),
  trainConfig: trainConfigSchema.exactOptional(),
  autoScaleLr: z.strictObject({ enable: z.boolean(), baseBatchSize: count }).exactOptional(),
  defaultHooks: defaultHooksSchema.exactOptional(),
  customHooks: z.array(customHookSchema).exactOptional(),
  visualizer: visualizerSchema.exactOptional(),
  logProcessor: logProcessorSchema.exactOptional(),
  randomness: z.strictObject({ seed: z.int().min(0).max(0xffffffff).exactOptional() }).exactOptional(),
  device: z.string().exactOptional(),
  workDir: z.string().min(1).exactOptional(),
  loadFrom: z.string().min(1).exactOptional(),
});

/** The config as checked, or an OmmaError with every mistake, a line each. `source` names the file. */
export function checkConfig(value: unknown, source = 'config'): Config {
  const problems = problemsOf(configSchema, value);
  if (problems.length === 1 && problems[0] !== undefined) {
    throw new OmmaError(`${source}: ${formatProblem(problems[0])}`);
  }
  if (problems.length > 1) {
    throw new OmmaError(
      `${source} has ${problems.length} mistakes:\n${problems.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`,
    );
  }
  return configSchema.parse(value);
}
