/**
 * A list of transforms as stages: a run of plans, then what changes pixels. Nearly every list has one stage, which is carried out while the picture is
 * decoded; a plan after a change of pixels begins another, from the pixels so far. So transforms happen in the order in which they are written.
 */

import type { Picture, Plan } from '../image/picture.ts';
import { resample } from '../image/resample.ts';
import './register.ts';
import { buildTransform, type TransformOptions } from './registry.ts';
import { identityPlan, type PixelTransform, type PlanTransform, type RandomNumbers } from './transform.ts';

export interface Stage {
  readonly plans: readonly PlanTransform[];
  readonly pixels: readonly PixelTransform[];
}

/** At least one. */
export type TransformChain = readonly [Stage, ...Stage[]];

/** All transforms in order. */
export function buildTransforms(list: readonly TransformOptions[]): TransformChain {
  const chain: [Stage, ...Stage[]] = [{ plans: [], pixels: [] }];
  for (const transform of list.map(buildTransform)) {
    const last = chain.at(-1) ?? chain[0];
    if ('pixels' in transform) chain[chain.length - 1] = { ...last, pixels: [...last.pixels, transform] };
    else if (last.pixels.length > 0) chain.push({ plans: [transform], pixels: [] });
    else chain[chain.length - 1] = { ...last, plans: [...last.plans, transform] };
  }
  return chain;
}

/** What a stage makes of a picture of this size, before it changes pixels. */
export function planOf(
  { plans }: Stage,
  { width, height }: Pick<Plan, 'width' | 'height'>,
  random: RandomNumbers,
): Plan {
  return plans.reduce((plan, transform) => transform.plan(plan, random), identityPlan(width, height));
}

/** The size of the result for a picture of this size. */
export function sizeAfter(
  chain: TransformChain,
  size: Pick<Plan, 'width' | 'height'>,
  random: RandomNumbers,
): Pick<Plan, 'width' | 'height'> {
  return chain.reduce((before, stage) => planOf(stage, before, random), size);
}

/** Changes the pixels that a stage's plan has given. */
export function changePixels({ pixels }: Stage, picture: Picture, random: RandomNumbers): void {
  for (const transform of pixels) transform.pixels(picture, random);
}

/**
 * Carries out stages on decoded pixels, which stay as they are. `target` gives the bytes for the plan of the last stage, which may be another than asked
 * for where it returns one.
 */
export function carryOut(
  stages: readonly Stage[],
  picture: Picture,
  random: RandomNumbers,
  target: (plan: Plan) => { readonly plan: Plan; readonly bytes: Uint8Array },
): Picture {
  return stages.reduce((current, stage, i) => {
    const wanted = planOf(stage, current, random);
    const { plan, bytes } =
      i === stages.length - 1
        ? target(wanted)
        : { plan: wanted, bytes: new Uint8Array(wanted.width * wanted.height * current.channels) };
    const { width, height } = plan;
    const next = { width, height, channels: current.channels, data: resample(current, plan, bytes) };
    changePixels(stage, next, random);
    return next;
  }, picture);
}
