/**
 * A transform is one of two kinds. Most move the plan of a picture and never its pixels: region, size, mirrored or not; a run of them is carried out at
 * once when the picture is decoded. The others change pixels in place.
 */

import type { Picture, Plan } from '../image/picture.ts';

/** Uniform random numbers in [0, 1), fixed by seed, epoch and sample. Where they come from nothing else, neither order nor number of workers matters. */
export type RandomNumbers = () => number;

/** Where the pixels of the result come from. */
export interface PlanTransform {
  plan(plan: Plan, random: RandomNumbers): Plan;
}

/** Changes `picture.data` in place: uint8, rows together, channels last, RGB or grey. */
export interface PixelTransform {
  pixels(picture: Picture, random: RandomNumbers): void;
}

export type Transform = PlanTransform | PixelTransform;

/** The plan that leaves a picture of this size as it is. */
export function identityPlan(width: number, height: number): Plan {
  return { region: { left: 0, top: 0, width, height }, width, height, flip: false };
}

/** Narrows the plan to a rectangle given in its target's pixels, resized to `width` x `height`. */
export function cropPlan(
  plan: Plan,
  crop: { readonly left: number; readonly top: number; readonly width: number; readonly height: number },
  width: number,
  height: number,
): Plan {
  const [scaleX, scaleY] = [plan.region.width / plan.width, plan.region.height / plan.height];
  // A mirrored target counts from the other side of the source.
  const left = plan.flip ? plan.width - crop.left - crop.width : crop.left;
  const region = {
    left: plan.region.left + left * scaleX,
    top: plan.region.top + crop.top * scaleY,
    width: crop.width * scaleX,
    height: crop.height * scaleY,
  };
  return { region, width, height, flip: plan.flip };
}
