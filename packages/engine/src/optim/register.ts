/** The optimisers that a config can name: their options, checked, and how they are made. */

import {
  Adadelta,
  Adafactor,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  Adan,
  ASGD,
  DAdaptAdaGrad,
  DAdaptAdam,
  DAdaptSGD,
  LARS,
  Lamb,
  Lion,
  NAdam,
  RAdam,
  RMSprop,
  Rprop,
  SGD,
} from '@omma/nn';
import { z } from 'zod';
import { optimizers } from './optimizer.ts';

const share = z.number().min(0).lt(1);
const positive = z.number().positive();
const notNegative = z.number().min(0);
const flag = z.boolean().exactOptional();
const pair = (entry: z.ZodNumber) => z.tuple([entry, entry]).exactOptional();

const common = { lr: positive, maximize: flag };
const decayed = { ...common, weightDecay: notNegative.exactOptional() };
const eps = positive.exactOptional();
const heavyBall = { momentum: share.exactOptional(), dampening: share.exactOptional(), nesterov: flag };
const dAdaptation = {
  ...decayed,
  d0: positive.exactOptional(),
  growthRate: z.number().gt(1).exactOptional(),
};
const adam = { ...decayed, betas: pair(share), eps };

optimizers.register(
  'SGD',
  z.strictObject({ ...decayed, ...heavyBall }),
  (options) => (rule) => new SGD(options, rule),
);
optimizers.register(
  'Adam',
  z.strictObject({ ...adam, amsgrad: flag, decoupledWeightDecay: flag }),
  (options) => (rule) => new Adam(options, rule),
);
optimizers.register(
  'AdamW',
  z.strictObject({ ...adam, amsgrad: flag }),
  (options) => (rule) => new AdamW(options, rule),
);
optimizers.register('Adamax', z.strictObject({ ...adam }), (options) => (rule) => new Adamax(options, rule));
optimizers.register(
  'NAdam',
  z.strictObject({
    ...adam,
    momentumDecay: notNegative.exactOptional(),
    decoupledWeightDecay: flag,
  }),
  (options) => (rule) => new NAdam(options, rule),
);
optimizers.register(
  'RAdam',
  z.strictObject({ ...adam, decoupledWeightDecay: flag }),
  (options) => (rule) => new RAdam(options, rule),
);
optimizers.register(
  'RMSprop',
  z.strictObject({
    ...decayed,
    alpha: share.exactOptional(),
    eps,
    momentum: share.exactOptional(),
    centered: flag,
  }),
  (options) => (rule) => new RMSprop(options, rule),
);
optimizers.register(
  'Adadelta',
  z.strictObject({ ...decayed, rho: share.exactOptional(), eps }),
  (options) => (rule) => new Adadelta(options, rule),
);
optimizers.register(
  'Adagrad',
  z.strictObject({
    ...decayed,
    lrDecay: notNegative.exactOptional(),
    initialAccumulatorValue: notNegative.exactOptional(),
    eps,
  }),
  (options) => (rule) => new Adagrad(options, rule),
);
optimizers.register(
  'Rprop',
  z.strictObject({
    ...common,
    etas: z.tuple([z.number().gt(0).lt(1), z.number().gt(1)]).exactOptional(),
    stepSizes: pair(positive),
  }),
  (options) => (rule) => new Rprop(options, rule),
);
optimizers.register(
  'ASGD',
  z.strictObject({
    ...decayed,
    lambd: notNegative.exactOptional(),
    alpha: positive.exactOptional(),
    t0: notNegative.exactOptional(),
  }),
  (options) => (rule) => new ASGD(options, rule),
);
optimizers.register(
  'Lion',
  z.strictObject({ ...decayed, betas: pair(share) }),
  (options) => (rule) => new Lion(options, rule),
);
optimizers.register(
  'Lamb',
  z.strictObject({
    ...adam,
    biasCorrection: flag,
    gradAveraging: flag,
    maxGradNorm: positive.exactOptional(),
    trustClip: flag,
    alwaysAdapt: flag,
  }),
  (options) => (rule) => new Lamb(options, rule),
);
optimizers.register(
  'LARS',
  z.strictObject({ ...decayed, ...heavyBall, eta: positive.exactOptional(), eps }),
  (options) => (rule) => new LARS(options, rule),
);
optimizers.register(
  'Adan',
  z.strictObject({
    ...decayed,
    betas: z.tuple([share, share, share]).exactOptional(),
    eps,
    maxGradNorm: notNegative.exactOptional(),
    noProx: flag,
  }),
  (options) => (rule) => new Adan(options, rule),
);
optimizers.register(
  'Adafactor',
  z.strictObject({
    ...decayed,
    eps: pair(positive),
    clipThreshold: positive.exactOptional(),
    decayRate: z.number().lt(0).exactOptional(),
    beta1: share.exactOptional(),
    scaleParameter: flag,
    relativeStep: flag,
    warmupInit: flag,
  }),
  (options) => (rule) => new Adafactor(options, rule),
);
optimizers.register(
  'DAdaptAdam',
  z.strictObject({
    ...dAdaptation,
    betas: pair(share),
    eps,
    decouple: flag,
    useBiasCorrection: flag,
  }),
  (options) => (rule) => new DAdaptAdam(options, rule),
);
optimizers.register(
  'DAdaptSGD',
  z.strictObject({ ...dAdaptation, momentum: share.exactOptional() }),
  (options) => (rule) => new DAdaptSGD(options, rule),
);
optimizers.register(
  'DAdaptAdaGrad',
  z.strictObject({ ...dAdaptation, momentum: share.exactOptional(), eps }),
  (options) => (rule) => new DAdaptAdaGrad(options, rule),
);
