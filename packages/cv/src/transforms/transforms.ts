/** Transforms that choose which part of a picture is seen, at which size. Names and rules are torchvision's; `register.ts` makes them known to configs. */

import { cropPlan, type PlanTransform } from './transform.ts';

/** A random part of the picture with `scale` of its area and `ratio` of width to height, resized to `size` x `size`. */
export interface RandomResizedCropOptions {
  readonly size: number;
  readonly scale?: readonly [number, number];
  readonly ratio?: readonly [number, number];
}

/** `size` x `size` pixels at a random place, after `padding` black pixels on every side. */
export interface RandomCropOptions {
  readonly size: number;
  readonly padding?: number;
}

/** Mirrors left and right with this probability, 0.5 unless given. */
export interface RandomFlipOptions {
  readonly probability?: number;
}

/** The shorter side becomes `size` (a number), or both sides do ([height, width]). */
export interface ResizeOptions {
  readonly size: number | readonly [number, number];
}

/** The middle `size` x `size` pixels; black where the picture is smaller. */
export interface CenterCropOptions {
  readonly size: number;
}

const attempts = 10;

export function randomResizedCrop({
  size,
  scale = [0.08, 1],
  ratio = [3 / 4, 4 / 3],
}: RandomResizedCropOptions): PlanTransform {
  const [low, high] = [Math.log(ratio[0]), Math.log(ratio[1])];
  return {
    plan: (plan, random) => {
      const { width, height } = plan;
      for (let i = 0; i < attempts; i++) {
        const area = width * height * (scale[0] + random() * (scale[1] - scale[0]));
        const aspect = Math.exp(low + random() * (high - low));
        const cropWidth = Math.round(Math.sqrt(area * aspect));
        const cropHeight = Math.round(Math.sqrt(area / aspect));
        const [placeX, placeY] = [random(), random()];
        if (cropWidth < 1 || cropHeight < 1 || cropWidth > width || cropHeight > height) continue;
        const left = Math.floor(placeX * (width - cropWidth + 1));
        const top = Math.floor(placeY * (height - cropHeight + 1));
        return cropPlan(plan, { left, top, width: cropWidth, height: cropHeight }, size, size);
      }
      return cropPlan(plan, centralCrop(width, height, ratio), size, size);
    },
  };
}

/** The largest middle part whose ratio is allowed: what is used when no random part fits. */
function centralCrop(width: number, height: number, [narrow, wide]: readonly [number, number]) {
  const aspect = width / height;
  const cropWidth = aspect > wide ? Math.round(height * wide) : width;
  const cropHeight = aspect < narrow ? Math.round(width / narrow) : height;
  return {
    left: Math.floor((width - cropWidth) / 2),
    top: Math.floor((height - cropHeight) / 2),
    width: cropWidth,
    height: cropHeight,
  };
}

export function randomCrop({ size, padding = 0 }: RandomCropOptions): PlanTransform {
  return {
    plan: (plan, random) => {
      const place = (extent: number) =>
        Math.floor(random() * Math.max(1, extent + 2 * padding - size + 1)) - padding;
      const [left, top] = [place(plan.width), place(plan.height)];
      return cropPlan(plan, { left, top, width: size, height: size }, size, size);
    },
  };
}

export function randomFlip({ probability = 0.5 }: RandomFlipOptions): PlanTransform {
  return {
    plan: (plan, random) => (random() < probability ? { ...plan, flip: !plan.flip } : plan),
  };
}

export function resize({ size }: ResizeOptions): PlanTransform {
  return {
    plan: (plan) => {
      if (typeof size !== 'number') return { ...plan, height: size[0], width: size[1] };
      const scale = size / Math.min(plan.width, plan.height);
      const side = (extent: number) => Math.max(size, Math.floor(extent * scale));
      return { ...plan, width: side(plan.width), height: side(plan.height) };
    },
  };
}

export function centerCrop({ size }: CenterCropOptions): PlanTransform {
  return {
    plan: (plan) => {
      const left = Math.round((plan.width - size) / 2);
      const top = Math.round((plan.height - size) / 2);
      return cropPlan(plan, { left, top, width: size, height: size }, size, size);
    },
  };
}
