/** Transforms that change pixels, the order of both kinds, and those of a user's own. */

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  buildTransforms,
  carryOut,
  type Picture,
  type RandomNumbers,
  registerTransform,
  sampleRandom,
  type TransformOptions,
} from '../src/index.ts';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from '../src/transforms/colour.ts';

declare module '@omma/cv' {
  interface TransformTypes {
    Mark: { readonly value?: number };
  }
}

const four = (): Picture => ({
  width: 2,
  height: 2,
  channels: 3,
  data: Uint8Array.of(10, 200, 30, 255, 0, 128, 77, 77, 77, 1, 2, 3),
});

/** What the transforms make of a picture. */
function made(list: readonly TransformOptions[], picture: Picture, random: RandomNumbers = () => 0): Picture {
  return carryOut(buildTransforms(list), picture, random, (plan) => ({
    plan,
    bytes: new Uint8Array(plan.width * plan.height * picture.channels),
  }));
}

describe('colours', () => {
  it('are the bytes that Pillow 13 gives: ImageEnhance.Brightness, Contrast, Color', () => {
    const changed = (change: (picture: Picture, factor: number) => void, factor: number) => {
      const picture = four();
      change(picture, factor);
      return [...picture.data];
    };
    expect(changed(adjustBrightness, 0.4)).toEqual([4, 80, 12, 102, 0, 51, 30, 30, 30, 0, 0, 1]);
    expect(changed(adjustBrightness, 1.7)).toEqual([17, 255, 51, 255, 0, 217, 130, 130, 130, 1, 3, 5]);
    expect(changed(adjustContrast, 0.4)).toEqual([48, 124, 56, 146, 44, 95, 75, 75, 75, 44, 45, 45]);
    expect(changed(adjustContrast, 1.7)).toEqual([0, 255, 0, 255, 0, 165, 79, 79, 79, 0, 0, 0]);
    expect(changed(adjustSaturation, 0.4)).toEqual([78, 154, 86, 156, 54, 105, 77, 77, 77, 1, 2, 2]);
    expect(changed(adjustSaturation, 1.7)).toEqual([0, 253, 0, 255, 0, 153, 77, 77, 77, 0, 2, 3]);
  });

  it('turn round: a third of the circle makes red green, all of it nothing, grey stays', () => {
    const picture = {
      ...four(),
      width: 3,
      height: 1,
      data: Uint8Array.of(200, 20, 20, 9, 9, 9, 40, 80, 120),
    };
    adjustHue(picture, 1 / 3);
    expect([...picture.data]).toEqual([20, 200, 20, 9, 9, 9, 120, 40, 80]);
    adjustHue(picture, -1 / 3);
    expect([...picture.data]).toEqual([200, 20, 20, 9, 9, 9, 40, 80, 120]);
  });

  it('jitter by factors of their ranges, in an order that is random too', () => {
    const jitter = { type: 'ColorJitter', brightness: [2, 2], contrast: [0, 0] } as const;
    const results = new Set(
      Array.from({ length: 20 }, (_, i) => made([jitter], four(), sampleRandom(1, 0, i)).data.join()),
    );
    // The mean lightness of the picture, 74, and twice that; or of the picture twice as bright.
    expect(results.size).toBe(2);
    expect(made([{ type: 'ColorJitter' }], four()).data).toEqual(four().data);
    expect(made([{ type: 'RandomGrayscale', probability: 1 }], four()).data.slice(0, 6)).toEqual(
      Uint8Array.of(124, 124, 124, 91, 91, 91),
    );
  });
});

describe('random erasing', () => {
  it('fills a rectangle of the asked area inside of the picture, or leaves all as it is', () => {
    const white = { width: 20, height: 10, channels: 3, data: new Uint8Array(600).fill(255) };
    const erase = {
      type: 'RandomErasing',
      probability: 1,
      areaRatio: [0.1, 0.3],
      fillColor: [1, 2, 3],
    } as const;
    for (let i = 0; i < 50; i++) {
      const { data } = made([erase], white, sampleRandom(3, 0, i));
      const erased = Array.from({ length: 200 }, (_, at) => at).filter((at) => data[at * 3] === 1);
      const columns = erased.map((at) => at % 20);
      const rows = erased.map((at) => Math.floor(at / 20));
      const extent = (list: readonly number[]) => Math.max(...list) - Math.min(...list) + 1;
      expect(extent(columns) * extent(rows)).toBe(erased.length);
      // Sides are whole pixels, so the area is off by up to half a pixel along both.
      expect(erased.length).toBeGreaterThanOrEqual(12);
      expect(erased.length).toBeLessThanOrEqual(75);
    }
    expect(made([{ ...erase, probability: 0 }], white).data).toEqual(white.data);
    // Noise around a colour, of the spread that is asked for.
    const noise = { ...erase, areaRatio: [1, 1], aspectRange: [0.5, 0.5], mode: 'rand' } as const;
    const { data } = made(
      [{ ...noise, fillColor: [100, 100, 100], fillStd: [10, 10, 10] }],
      white,
      sampleRandom(3, 0, 0),
    );
    const mean = data.reduce((sum, byte) => sum + byte, 0) / 600;
    const std = Math.sqrt(data.reduce((sum, byte) => sum + (byte - mean) ** 2, 0) / 600);
    // Four standard errors of 600 numbers: 1.6 and 1.2.
    expect(Math.abs(mean - 100)).toBeLessThan(1.7);
    expect(Math.abs(std - 10)).toBeLessThan(1.2);
  });
});

describe("a transform of a user's own", () => {
  registerTransform('Mark', {
    schema: z.strictObject({ value: z.int().default(9) }),
    build: ({ value }) => ({ pixels: ({ data }) => data.fill(value, 0, 3) }),
  });

  it('is carried out where it stands: before a crop, or after it', () => {
    const crop = { type: 'CenterCrop', size: 2 } as const;
    const picture = { width: 4, height: 4, channels: 3, data: new Uint8Array(48) };
    expect(made([crop, { type: 'Mark' }], picture).data[0]).toBe(9);
    expect([...made([{ type: 'Mark', value: 5 }, crop], picture).data]).toEqual(new Array(12).fill(0));
    expect(made([{ type: 'Mark' }, { type: 'Resize', size: 2 }], picture).data[0]).toBeGreaterThan(0);
    // The picture may come from a cache.
    expect(picture.data.every((byte) => byte === 0)).toBe(true);
  });

  it('has its options checked; one that nobody registered is named', () => {
    expect(() => buildTransforms([{ type: 'Mark', value: 0.5 }])).toThrow(/transform Mark: value: /);
    const unknown = JSON.parse('[{ "type": "Other" }]');
    expect(() => buildTransforms(unknown)).toThrow(
      /transform Other is not known; import the module that registers it \(known: CenterCrop, /,
    );
  });
});
