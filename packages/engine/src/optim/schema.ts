/** The schemas of `optimWrapper`'s parts: what optimizer.ts and paramwise.ts describe as types, checked at start. */

import { z } from 'zod';

const positive = z.number().positive();
const notNegative = z.number().min(0);
const flag = z.boolean().exactOptional();

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
