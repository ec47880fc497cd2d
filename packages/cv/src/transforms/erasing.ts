/** Random erasing (Zhong et al., 2020), with the names and defaults of MMPretrain. */

import type { PixelTransform, RandomNumbers } from './transform.ts';

/** A rectangle of the picture is filled, with a probability of `probability`. */
export interface RandomErasingOptions {
  /** 0.5 unless given. */
  readonly probability?: number;
  /** Its share of the area; [0.02, 0.4] unless given. */
  readonly areaRatio?: readonly [number, number];
  /** Height / width: [0.3, 1 / 0.3] unless given. */
  readonly aspectRange?: readonly [number, number];
  /** Filled with `fillColor`, or with noise: each byte drawn evenly or, with `fillStd`, normally around `fillColor`; 'const' unless given. */
  readonly mode?: 'const' | 'rand';
  /** In the order of the channels; 128 in each unless given. */
  readonly fillColor?: readonly number[];
  /** Standard deviations of the noise, in the order of the channels. */
  readonly fillStd?: readonly number[];
}

/** Rectangles that are tried until one fits. */
const attempts = 10;

export function randomErasing({
  probability = 0.5,
  areaRatio = [0.02, 0.4],
  aspectRange = [0.3, 1 / 0.3],
  mode = 'const',
  fillColor = [128, 128, 128],
  fillStd,
}: RandomErasingOptions): PixelTransform {
  const fill = (channel: number, random: RandomNumbers): number => {
    const mean = fillColor[channel] ?? 128;
    if (mode === 'const') return mean;
    if (fillStd === undefined) return Math.floor(random() * 256);
    return Math.max(0, Math.min(255, Math.round(mean + (fillStd[channel] ?? 0) * normal(random))));
  };
  const [low, high] = [Math.log(aspectRange[0]), Math.log(aspectRange[1])];
  return {
    pixels: ({ data, width, height, channels }, random) => {
      if (random() >= probability) return;
      for (let i = 0; i < attempts; i++) {
        const area = width * height * (areaRatio[0] + random() * (areaRatio[1] - areaRatio[0]));
        const aspect = Math.exp(low + random() * (high - low));
        const [tall, wide] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))];
        if (tall < 1 || wide < 1 || tall > height || wide > width) continue;
        const top = Math.floor(random() * (height - tall + 1));
        const left = Math.floor(random() * (width - wide + 1));
        for (let y = top; y < top + tall; y++) {
          const start = (y * width + left) * channels;
          for (let at = 0; at < wide * channels; at++) {
            data[start + at] = fill(at % channels, random);
          }
        }
        return;
      }
    },
  };
}

/** A standard normal number (Box and Muller, 1958). */
function normal(random: RandomNumbers): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
