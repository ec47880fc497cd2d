/** The schemas of `optimWrapper`'s parts: what optimizer.ts and paramwise.ts describe as types, checked at start. */

import { z } from 'zod';

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

export const optimizerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('SGD'), ...decayed, ...heavyBall }),
  z.strictObject({ type: z.literal('Adam'), ...adam, amsgrad: flag, decoupledWeightDecay: flag }),
  z.strictObject({ type: z.literal('AdamW'), ...adam, amsgrad: flag }),
  z.strictObject({ type: z.literal('Adamax'), ...adam }),
  z.strictObject({
    type: z.literal('NAdam'),
    ...adam,
    momentumDecay: notNegative.exactOptional(),
    decoupledWeightDecay: flag,
  }),
  z.strictObject({ type: z.literal('RAdam'), ...adam, decoupledWeightDecay: flag }),
  z.strictObject({
    type: z.literal('RMSprop'),
    ...decayed,
    alpha: share.exactOptional(),
    eps,
    momentum: share.exactOptional(),
    centered: flag,
  }),
  z.strictObject({ type: z.literal('Adadelta'), ...decayed, rho: share.exactOptional(), eps }),
  z.strictObject({
    type: z.literal('Adagrad'),
    ...decayed,
    lrDecay: notNegative.exactOptional(),
    initialAccumulatorValue: notNegative.exactOptional(),
    eps,
  }),
  z.strictObject({
    type: z.literal('Rprop'),
    ...common,
    etas: z.tuple([z.number().gt(0).lt(1), z.number().gt(1)]).exactOptional(),
    stepSizes: pair(positive),
  }),
  z.strictObject({
    type: z.literal('ASGD'),
    ...decayed,
    lambd: notNegative.exactOptional(),
    alpha: positive.exactOptional(),
    t0: notNegative.exactOptional(),
  }),
  z.strictObject({ type: z.literal('Lion'), ...decayed, betas: pair(share) }),
  z.strictObject({
    type: z.literal('Lamb'),
    ...adam,
    biasCorrection: flag,
    gradAveraging: flag,
    maxGradNorm: positive.exactOptional(),
    trustClip: flag,
    alwaysAdapt: flag,
  }),
  z.strictObject({ type: z.literal('LARS'), ...decayed, ...heavyBall, eta: positive.exactOptional(), eps }),
  z.strictObject({
    type: z.literal('Adan'),
    ...decayed,
    betas: z.tuple([share, share, share]).exactOptional(),
    eps,
    maxGradNorm: notNegative.exactOptional(),
    noProx: flag,
  }),
  z.strictObject({
    type: z.literal('Adafactor'),
    ...decayed,
    eps: pair(positive),
    clipThreshold: positive.exactOptional(),
    decayRate: z.number().lt(0).exactOptional(),
    beta1: share.exactOptional(),
    scaleParameter: flag,
    relativeStep: flag,
    warmupInit: flag,
  }),
  z.strictObject({
    type: z.literal('DAdaptAdam'),
    ...dAdaptation,
    betas: pair(share),
    eps,
    decouple: flag,
    useBiasCorrection: flag,
  }),
  z.strictObject({ type: z.literal('DAdaptSGD'), ...dAdaptation, momentum: share.exactOptional() }),
  z.strictObject({ type: z.literal('DAdaptAdaGrad'), ...dAdaptation, momentum: share.exactOptional(), eps }),
]);

const multiplier = notNegative.exactOptional();

export const paramwiseSchema = z.strictObject({
  biasLrMult: multiplier,
  biasDecayMult: multiplier,
  normDecayMult: multiplier,
  dwconvDecayMult: multiplier,
  dcnOffsetLrMult: multiplier,
  flatDecayMult: multiplier,
  bypassDuplicate: flag,
  customKeys: z
    .record(
      z.string().min(1),
      z.strictObject({ lrMult: multiplier, decayMult: multiplier, larsExclude: flag }),
    )
    .exactOptional(),
  layerDecayRate: z.number().gt(0).max(1).exactOptional(),
});

/** As PyTorch's `clip_grad_norm_` and `clip_grad_value_`; `type` is the norm's unless given. */
export const clipGradSchema = z.union([
  z.strictObject({
    type: z.literal('norm').exactOptional(),
    maxNorm: positive,
    normType: z.union([positive, z.literal('inf')]).exactOptional(),
  }),
  z.strictObject({ type: z.literal('value'), clipValue: positive }),
]);

export const lossScaleSchema = z.union([
  z.literal('dynamic'),
  positive,
  z.strictObject({
    initScale: positive.exactOptional(),
    growthFactor: z.number().gt(1).exactOptional(),
    backoffFactor: z.number().gt(0).lt(1).exactOptional(),
    growthInterval: z.int().positive().exactOptional(),
  }),
]);
