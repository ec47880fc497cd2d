/** The schema of `paramScheduler`: what types.ts describes, checked at start. */

import { z } from 'zod';
import { describeAs } from '../config/jsonSchema.ts';
import { type Problem, problemsOf } from '../config/problems.ts';
import { familyOptions, ownFamilyOf, schedulerFamilies } from './ownFamilies.ts';
import { type SchedulerConfig, suffixes } from './types.ts';

const positive = z.number().positive();
const notNegative = z.number().min(0);
const count = z.int().positive();
const factor = z.number().min(0).max(1);
const paramName = z.enum(['lr', 'momentum', 'weightDecay']);

const epochs = {
  optimizer: z.string().min(1).exactOptional(),
  begin: notNegative.exactOptional(),
  end: positive.exactOptional(),
};
const span = {
  ...epochs,
  byEpoch: z.boolean().exactOptional(),
  convertToIterBased: z.boolean().exactOptional(),
};
const floor = { etaMin: notNegative.exactOptional(), etaMinRatio: notNegative.exactOptional() };

const options = {
  Constant: { ...span, factor: z.number().gt(0).max(1).exactOptional() },
  Linear: {
    ...span,
    startFactor: z.number().gt(0).max(1).exactOptional(),
    endFactor: factor.exactOptional(),
  },
  Step: { ...span, stepSize: positive, gamma: positive.exactOptional() },
  MultiStep: { ...span, milestones: z.array(positive).min(1), gamma: positive.exactOptional() },
  Exponential: { ...span, gamma: positive, startFactor: positive.exactOptional() },
  CosineAnnealing: { ...span, ...floor, tMax: positive.exactOptional() },
  CosineRestart: {
    ...span,
    ...floor,
    periods: z.array(positive).min(1),
    restartWeights: z.array(notNegative).min(1).exactOptional(),
  },
  Poly: { ...span, power: positive.exactOptional(), etaMin: notNegative.exactOptional() },
  Inv: { ...span, gamma: notNegative, power: positive.exactOptional() },
  QuadraticWarmup: span,
  ReduceOnPlateau: {
    ...epochs,
    monitor: z.string().min(1),
    rule: z.enum(['less', 'greater']).exactOptional(),
    factor: z.number().gt(0).lt(1).exactOptional(),
    patience: z.int().min(0).exactOptional(),
    threshold: notNegative.exactOptional(),
    thresholdRule: z.enum(['rel', 'abs']).exactOptional(),
    cooldown: z.int().min(0).exactOptional(),
    minValue: notNegative.exactOptional(),
    eps: notNegative.exactOptional(),
  },
};

/** What says when a schedule acts, and on what. */
const commonKeys = Object.keys(span);

type Options = typeof options;

function lr<F extends keyof Options>(family: F) {
  return z.strictObject({ type: z.literal(`${family}LR`), ...options[family] });
}

function others<F extends keyof Options>(family: F) {
  return [
    z.strictObject({ type: z.literal([`${family}Momentum`, `${family}WeightDecay`]), ...options[family] }),
    z.strictObject({ type: z.literal(`${family}ParamScheduler`), paramName, ...options[family] }),
  ] as const;
}

const oneCycle = {
  ...span,
  etaMax: positive,
  totalSteps: count.exactOptional(),
  pctStart: z.number().gt(0).lt(1).exactOptional(),
  annealStrategy: z.enum(['cos', 'linear']).exactOptional(),
  divFactor: positive.exactOptional(),
  finalDivFactor: positive.exactOptional(),
  threePhase: z.boolean().exactOptional(),
};

/** Those of the learning rate first: an error lists the first few. */
const builtIn = z.discriminatedUnion('type', [
  lr('Constant'),
  lr('Linear'),
  lr('Step'),
  lr('MultiStep'),
  lr('Exponential'),
  lr('CosineAnnealing'),
  lr('CosineRestart'),
  lr('Poly'),
  lr('QuadraticWarmup'),
  z.strictObject({ type: z.literal('OneCycleLR'), ...oneCycle }),
  lr('Inv'),
  lr('ReduceOnPlateau'),
  ...others('Constant'),
  ...others('Linear'),
  ...others('Step'),
  ...others('MultiStep'),
  ...others('Exponential'),
  ...others('CosineAnnealing'),
  ...others('CosineRestart'),
  ...others('Poly'),
  ...others('QuadraticWarmup'),
  ...others('Inv'),
  z.strictObject({ type: z.literal('OneCycleParamScheduler'), paramName, ...oneCycle }),
  ...others('ReduceOnPlateau'),
]);

/** A schedule: a built-in one, or one of a registered family. */
export const schedulerSchema: z.ZodType<SchedulerConfig> = describeAs(
  z.custom<SchedulerConfig>().superRefine((value: unknown, context) => {
    for (const { message, path, value: input } of schedulerProblems(value))
      context.addIssue({ code: 'custom', message, path: [...path], input });
  }),
  (writer) => {
    const types = schedulerFamilies.names.flatMap((family) => suffixes.map((suffix) => `${family}${suffix}`));
    const own = { type: 'object', properties: { type: { enum: types } }, required: ['type'] };
    return { anyOf: [writer.write(builtIn), ...(types.length === 0 ? [] : [own])] };
  },
);

function schedulerProblems(value: unknown): Problem[] {
  const { type = undefined, ...given } = typeof value === 'object' && value !== null ? { ...value } : {};
  const family = ownFamilyOf(type);
  if (family === null) return problemsOf(builtIn, value);
  const options = familyOptions(given, commonKeys);
  const common = Object.fromEntries(Object.entries(given).filter(([key]) => !(key in options)));
  const named = String(type).endsWith('ParamScheduler') ? { ...span, paramName } : span;
  return [
    ...problemsOf(z.strictObject(named), common),
    ...problemsOf(schedulerFamilies.schema(), { type: family, ...options }),
  ];
}

/** The options of a registered family in a checked config. */
export function checkedFamily(family: string, config: SchedulerConfig) {
  return schedulerFamilies.schema().parse({ type: family, ...familyOptions(config, commonKeys) });
}
