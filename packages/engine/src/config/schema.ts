/** The schema of a whole config: the same as config/types.ts, checked at start. */

import { OmmaError } from '@omma/core';
import { z } from 'zod';
import { dataloaderSchema } from '../data/config.ts';
import { evaluatorSchema } from '../evaluation/config.ts';
import { customHookSchema, defaultHooksSchema } from '../hooks/config.ts';
import { logProcessorSchema, visualizerSchema } from '../log/config.ts';
import { trainConfigSchema } from '../loops/config.ts';
import { formatProblem, problemsOf } from './problems.ts';
import { models } from './registries.ts';
import type { Config } from './types.ts';

const count = z.int().positive();
const share = z.number().min(0).lt(1);

const betas = z.tuple([share, share]);
const decay = z.number().min(0).exactOptional();
const rate = z.number().positive();

const optimizer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('SGD'),
    lr: rate,
    momentum: share.exactOptional(),
    dampening: share.exactOptional(),
    weightDecay: decay,
    nesterov: z.boolean().exactOptional(),
  }),
  z.strictObject({
    type: z.literal(['Adam', 'AdamW']),
    lr: rate,
    betas: betas.exactOptional(),
    eps: rate.exactOptional(),
    weightDecay: decay,
  }),
  z.strictObject({
    type: z.literal('RMSprop'),
    lr: rate,
    alpha: share.exactOptional(),
    eps: rate.exactOptional(),
    weightDecay: decay,
    momentum: share.exactOptional(),
    centered: z.boolean().exactOptional(),
  }),
]);

const multiplier = z.number().min(0).exactOptional();

const optimWrapper = z.strictObject({
  optimizer,
  paramwiseConfig: z
    .strictObject({
      biasLrMult: multiplier,
      biasDecayMult: multiplier,
      normDecayMult: multiplier,
      customKeys: z
        .record(z.string(), z.strictObject({ lrMult: multiplier, decayMult: multiplier }))
        .exactOptional(),
    })
    .exactOptional(),
  clipGrad: z.strictObject({ maxNorm: rate }).exactOptional(),
  accumulativeCounts: count.exactOptional(),
  amp: z.enum(['auto', 'bfloat16', 'float16', 'off']).exactOptional(),
});

const span = {
  begin: z.number().min(0).exactOptional(),
  end: z.number().positive().exactOptional(),
  byEpoch: z.boolean().exactOptional(),
  convertToIterBased: z.boolean().exactOptional(),
};

const scheduler = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ConstantLR'), ...span, factor: rate.exactOptional() }),
  z.strictObject({
    type: z.literal('LinearLR'),
    ...span,
    startFactor: rate.exactOptional(),
    endFactor: z.number().min(0).exactOptional(),
  }),
  z.strictObject({ type: z.literal('StepLR'), ...span, stepSize: count, gamma: rate.exactOptional() }),
  z.strictObject({
    type: z.literal('MultiStepLR'),
    ...span,
    milestones: z.array(z.number().positive()).min(1),
    gamma: rate.exactOptional(),
  }),
  z.strictObject({ type: z.literal('ExponentialLR'), ...span, gamma: rate }),
  z.strictObject({
    type: z.literal('CosineAnnealingLR'),
    ...span,
    tMax: rate.exactOptional(),
    etaMin: z.number().min(0).exactOptional(),
    etaMinRatio: z.number().min(0).max(1).exactOptional(),
  }),
  z.strictObject({
    type: z.literal('PolyLR'),
    ...span,
    power: rate.exactOptional(),
    etaMin: z.number().min(0).exactOptional(),
  }),
  z.strictObject({
    type: z.literal('OneCycleLR'),
    ...span,
    etaMax: rate,
    totalSteps: count.exactOptional(),
    pctStart: z.number().gt(0).lt(1).exactOptional(),
    annealStrategy: z.enum(['cos', 'linear']).exactOptional(),
    divFactor: rate.exactOptional(),
    finalDivFactor: rate.exactOptional(),
    threePhase: z.boolean().exactOptional(),
  }),
]);

export const configSchema: z.ZodType<Config> = z.strictObject({
  model: models.schema(),
  trainDataloader: dataloaderSchema.exactOptional(),
  valDataloader: dataloaderSchema.exactOptional(),
  testDataloader: dataloaderSchema.exactOptional(),
  valEvaluator: evaluatorSchema.exactOptional(),
  testEvaluator: evaluatorSchema.exactOptional(),
  optimWrapper: optimWrapper.exactOptional(),
  paramScheduler: z.array(scheduler).exactOptional(),
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
