/**
 * The addon's pixels are those of the portable way, bit for bit: sharp's decoding, TypeScript's resampling, Pillow's arithmetic. What it does not take
 * it refuses, and no damaged file brings it down.
 */

import { HostRandom } from '@omma/nn';
import sharp, { type JpegOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import { pictureAddon } from '../src/image/addon.ts';
import { resamplePortably } from '../src/image/resample.ts';
import {
  decodeJpeg,
  decodePicture,
  jpegSize,
  type Picture,
  type Plan,
  renderJpeg,
  resample,
} from '../src/index.ts';

/** The reason is in the test's name, where a machine without the addon shows it. */
const withAddon = pictureAddon === null ? it.skip : it;

/** Even numbers in [0, 1), always the same. */
function random(salt: number): () => number {
  const numbers = new HostRandom(9, salt).uniform(10_000);
  let at = 0;
  return () => numbers[at++ % numbers.length] ?? 0;
}

/** Something between a photo and noise: smooth waves with a grain. */
function scene(width: number, height: number, channels = 3): Picture {
  const draw = random(width * height);
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return 128 + 80 * Math.sin(x / 7 + (i % channels)) * Math.cos(y / 9) + 40 * (draw() - 0.5);
  });
  return { width, height, channels, data };
}

const encode = ({ width, height, data }: Picture, options: JpegOptions = {}) =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 88, ...options })
    .toBuffer();

function randomPlan(draw: () => number, width: number, height: number): Plan {
  const [w, h] = [width * (0.05 + draw()), height * (0.05 + draw())];
  return {
    region: { left: draw() * (width - w), top: draw() * (height - h), width: w, height: h },
    width: 1 + Math.floor(draw() * 60),
    height: 1 + Math.floor(draw() * 60),
    flip: draw() < 0.5,
  };
}

describe('resampling', () => {
  it("is Pillow's, bit for bit", () => {
    const data = Uint8Array.from({ length: 105 }, (_, i) => i * i * 31 + i * 7);
    const source = { width: 7, height: 5, channels: 3, data };
    const plan = {
      region: { left: 0.5, top: 1.25, width: 5.75, height: 3.25 },
      width: 3,
      height: 4,
      flip: false,
    };
    // Image.frombytes('RGB', (7, 5), data).resize((3, 4), Image.BILINEAR, box=(0.5, 1.25, 6.25, 4.5)) of Pillow 13.0.0
    const pillow = [
      119, 99, 157, 139, 135, 162, 191, 208, 153, 127, 75, 150, 102, 159, 102, 196, 197, 57, 94, 111, 152,
      125, 104, 61, 169, 180, 53, 147, 79, 163, 155, 89, 98, 157, 138, 75,
    ];
    expect([...resample(source, plan)]).toEqual(pillow);
    expect([...resamplePortably(source, plan, new Uint8Array(36))]).toEqual(pillow);
  });

  withAddon(
    'is the same with and without the addon, for any region, size, mirroring and number of channels',
    () => {
      const draw = random(1);
      for (let i = 0; i < 150; i++) {
        const source = scene(1 + Math.floor(draw() * 50), 1 + Math.floor(draw() * 50), i % 4 === 0 ? 1 : 3);
        const plan = randomPlan(draw, source.width, source.height);
        const portable = resamplePortably(
          source,
          plan,
          new Uint8Array(plan.width * plan.height * source.channels),
        );
        expect(Buffer.compare(resample(source, plan), portable)).toBe(0);
      }
    },
  );
});

describe('JPEG files', () => {
  withAddon('decode to the pixels that sharp gives, whatever their sampling', async () => {
    for (const [width, height] of [
      [97, 61],
      [128, 128],
      [16, 7],
    ] as const) {
      const source = scene(width, height);
      const files = {
        '4:2:0': await encode(source),
        '4:4:4': await encode(source, { chromaSubsampling: '4:4:4' }),
        progressive: await encode(source, { progressive: true }),
        grey: await sharp(await encode(source))
          .greyscale()
          .jpeg()
          .toBuffer(),
      };
      for (const [name, bytes] of Object.entries(files)) {
        const size = jpegSize(bytes);
        expect(size).toEqual({ width, height });
        const whole = size === null ? null : decodeJpeg(bytes, size);
        expect({ name, ...whole }).toEqual({ name, ...(await decodePicture(bytes, name)) });
      }
    }
  });

  withAddon('decode no more than a plan needs, with the same pixels', async () => {
    const draw = random(2);
    for (const options of [{}, { chromaSubsampling: '4:4:4' }, { progressive: true }]) {
      const source = scene(203, 151);
      const bytes = await encode(source, options);
      const whole = await decodePicture(bytes, 'scene');
      for (let i = 0; i < 80; i++) {
        // Shrinking no more than fourfold: below that a JPEG is decoded at a fraction of its size.
        const plan = { ...randomPlan(draw, 203, 151), width: 56, height: 40 };
        const target = new Uint8Array(56 * 40 * 3);
        expect(renderJpeg(bytes, source, plan, target)).toBe(true);
        expect(Buffer.compare(target, resample(whole, plan))).toBe(0);
      }
    }
  });

  withAddon(
    'are decoded at a fraction of their size where little is left of it, with nearly the same pixels',
    async () => {
      const { width, height } = { width: 403, height: 301 };
      const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (Math.floor(i / 3) % width) / 2);
      const bytes = await encode({ width, height, channels: 3, data });
      const plan = {
        region: { left: 3, top: 10, width: 396, height: 280 },
        width: 40,
        height: 30,
        flip: true,
      };
      const target = new Uint8Array(40 * 30 * 3);
      expect(renderJpeg(bytes, { width, height }, plan, target)).toBe(true);
      const whole = resample(await decodePicture(bytes, 'ramp'), plan);
      expect(Math.max(...target.map((value, i) => Math.abs(value - (whole[i] ?? 0))))).toBeLessThanOrEqual(2);
    },
  );

  withAddon('that are turned, cut off, in printer colours or no JPEG at all are left to sharp', async () => {
    const bytes = await encode(scene(60, 40));
    const turned = await sharp(bytes).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const printed = await sharp(bytes).toColourspace('cmyk').jpeg().toBuffer();
    for (const other of [turned, printed, Buffer.from('no picture'), Buffer.alloc(0)]) {
      expect(jpegSize(other)).toBeNull();
    }
    const size = { width: 60, height: 40 };
    expect(decodeJpeg(bytes.subarray(0, bytes.length - 200), size)).toBeNull();
    expect(decodeJpeg(bytes, { width: 61, height: 40 })).toBeNull();
  });

  withAddon('for which there is no memory are an error, not the end of the process', async () => {
    const bytes = await encode(scene(60, 40));
    // Weights of 2e9 elements for each of 1e5 targets: no machine has so many addresses.
    const impossible = () =>
      pictureAddon?.renderJpeg(bytes, 2 ** 31 - 1, 40, 1, 0, 0, 1e14, 40, 1e5, 1, false, new Uint8Array(3e5));
    expect(impossible).toThrow(/not enough memory for the picture/);
  });

  withAddon('with any bytes changed end as a picture or a refusal', async () => {
    const draw = random(3);
    const files = [await encode(scene(64, 48)), await encode(scene(64, 48), { progressive: true })];
    for (let i = 0; i < 600; i++) {
      const bytes = Uint8Array.from(files[i % 2] ?? []);
      for (let k = 0; k < 1 + (i % 8); k++) bytes[Math.floor(draw() * bytes.length)] = draw() * 256;
      const size = jpegSize(bytes);
      if (size === null || size.width * size.height > 1e6) continue;
      const plan = { ...randomPlan(draw, size.width, size.height), width: 20, height: 20 };
      expect(typeof renderJpeg(bytes, size, plan, new Uint8Array(1200))).toBe('boolean');
    }
  });
});
