/** Makes the transforms of this package known to configs. */

import { z } from 'zod';
import {
  type ColorJitterOptions,
  colorJitter,
  type RandomGrayscaleOptions,
  randomGrayscale,
} from './colour.ts';
import { type RandomErasingOptions, randomErasing } from './erasing.ts';
import { registerTransform } from './registry.ts';
import {
  type CenterCropOptions,
  centerCrop,
  type RandomCropOptions,
  type RandomFlipOptions,
  type RandomResizedCropOptions,
  type ResizeOptions,
  randomCrop,
  randomFlip,
  randomResizedCrop,
  resize,
} from './transforms.ts';

declare module './registry.ts' {
  interface TransformTypes {
    RandomResizedCrop: RandomResizedCropOptions;
    RandomCrop: RandomCropOptions;
    RandomFlip: RandomFlipOptions;
    Resize: ResizeOptions;
    CenterCrop: CenterCropOptions;
    ColorJitter: ColorJitterOptions;
    RandomGrayscale: RandomGrayscaleOptions;
    RandomErasing: RandomErasingOptions;
  }
}

const pixels = z.int().positive();
const positive = z.number().positive();
const share = positive.max(1);
const probability = z.number().min(0).max(1).exactOptional();

registerTransform('RandomResizedCrop', {
  schema: z.strictObject({
    size: pixels,
    scale: z.tuple([share, share]).exactOptional(),
    ratio: z.tuple([positive, positive]).exactOptional(),
  }),
  build: randomResizedCrop,
});
registerTransform('RandomCrop', {
  schema: z.strictObject({ size: pixels, padding: z.int().min(0).exactOptional() }),
  build: randomCrop,
});
registerTransform('RandomFlip', { schema: z.strictObject({ probability }), build: randomFlip });
registerTransform('Resize', {
  schema: z.strictObject({ size: z.union([pixels, z.tuple([pixels, pixels])]) }),
  build: resize,
});
registerTransform('CenterCrop', { schema: z.strictObject({ size: pixels }), build: centerCrop });

const factor = z.number().min(0);
const factors = z.union([factor, z.tuple([factor, factor])]).exactOptional();
const turn = z.number().min(-0.5).max(0.5);

registerTransform('ColorJitter', {
  schema: z.strictObject({
    brightness: factors,
    contrast: factors,
    saturation: factors,
    hue: z.union([turn.min(0), z.tuple([turn, turn])]).exactOptional(),
  }),
  build: colorJitter,
});
registerTransform('RandomGrayscale', { schema: z.strictObject({ probability }), build: randomGrayscale });
registerTransform('RandomErasing', {
  schema: z.strictObject({
    probability,
    areaRatio: z.tuple([share, share]).exactOptional(),
    aspectRange: z.tuple([positive, positive]).exactOptional(),
    mode: z.enum(['const', 'rand']).exactOptional(),
    fillColor: z.array(z.number().min(0).max(255)).min(1).exactOptional(),
    fillStd: z.array(z.number().min(0)).min(1).exactOptional(),
  }),
  build: randomErasing,
});
