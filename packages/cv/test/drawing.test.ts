/** What is drawn lies where it was asked for, in the colour that was asked for; wrong numbers are refused before anything is drawn. */

import { hostTensor, OmmaError } from '@omma/core';
import { describe, expect, it } from 'vitest';
import { type Color, Drawing, decodePicture, drawFeatmap, type Picture, paletteColor } from '../src/index.ts';

const white = (width = 40, height = 30, channels = 3): Picture => ({
  width,
  height,
  channels,
  data: new Uint8Array(width * height * channels).fill(255),
});

function at({ width, channels, data }: Picture, x: number, y: number): number[] {
  const from = (y * width + x) * channels;
  return [...data.subarray(from, from + channels)];
}

/** Transparency is kept in 8 bits (half a unit), and libvips cuts the blend off (a unit). */
function close(found: readonly number[], expected: readonly number[]): void {
  found.forEach((value, i) => {
    expect(Math.abs(value - (expected[i] ?? 0))).toBeLessThanOrEqual(1.5);
  });
}

const solid = { alphas: 1, lineWidths: 2 };

describe('a drawing', () => {
  it('has the edges of boxes on their coordinates and leaves the rest as it was', async () => {
    const original = white();
    const drawn = await new Drawing(original)
      .drawBboxes([[10, 5, 30, 25]], { edgeColors: 'red', ...solid })
      .picture();
    expect([at(drawn, 10, 15), at(drawn, 29, 15), at(drawn, 20, 5), at(drawn, 20, 24)]).toEqual(
      Array.from({ length: 4 }, () => [255, 0, 0]),
    );
    expect([at(drawn, 20, 15), at(drawn, 5, 15), at(drawn, 35, 28)]).toEqual(
      Array.from({ length: 3 }, () => [255, 255, 255]),
    );
    expect(at(original, 10, 15)).toEqual([255, 255, 255]);
  });

  it('fills shapes with their own colour and transparency each', async () => {
    const drawn = await new Drawing(white())
      .drawPolygons(
        [
          [
            [0, 0],
            [15, 0],
            [15, 15],
            [0, 15],
          ],
        ],
        { faceColors: 'blue', edgeColors: 'blue', alphas: 0.5 },
      )
      .drawCircles(
        [
          [25, 8],
          [25, 22],
        ],
        6,
        { faceColors: ['#102030', null], edgeColors: 'black', alphas: [1, 1] },
      )
      .picture();
    close(at(drawn, 7, 7), [127.5, 127.5, 255]);
    expect([at(drawn, 25, 8), at(drawn, 25, 22)]).toEqual([
      [16, 32, 48],
      [255, 255, 255],
    ]);
  });

  it('has lines, dashed ones with gaps, and dots', async () => {
    const lines = (lineStyles: 'solid' | 'dashed') =>
      new Drawing(white())
        .drawLines(
          [
            [
              [0, 10],
              [40, 10],
            ],
          ],
          { colors: 'black', lineStyles, ...solid },
        )
        .drawPoints([[20, 20]], { colors: 'red', sizes: 4 })
        .picture();
    const row = (picture: Picture) => Array.from({ length: 40 }, (_, x) => at(picture, x, 10)[0] ?? 0);
    const [whole, dashed] = [row(await lines('solid')), row(await lines('dashed'))];
    expect(Math.max(...whole)).toBe(0);
    expect([Math.min(...dashed), Math.max(...dashed)]).toEqual([0, 255]);
    expect(at(await lines('solid'), 20, 20)).toEqual([255, 0, 0]);
  });

  it('blends masks over each other and over the picture, in the order of the calls', async () => {
    const [left, middle] = [new Uint8Array(1200), new Array<boolean>(1200).fill(false)];
    for (let pixel = 0; pixel < 1200; pixel++) {
      if (pixel % 40 < 20) left[pixel] = 7;
      if (pixel % 40 >= 10 && pixel % 40 < 30) middle[pixel] = true;
    }
    const drawn = await new Drawing(white())
      .drawBinaryMasks([left, middle], { colors: ['red', 'blue'], alphas: 0.5 })
      .drawBboxes([[0, 0, 4, 4]], { faceColors: 'black', edgeColors: 'black', alphas: 1 })
      .picture();
    close(at(drawn, 5, 15), [255, 127.5, 127.5]);
    close(at(drawn, 15, 15), [127.5, 63.75, 191.25]);
    close(at(drawn, 25, 15), [127.5, 127.5, 255]);
    close(at(drawn, 35, 15), [255, 255, 255]);
    expect(at(drawn, 2, 2)).toEqual([0, 0, 0]);
  });

  it('puts texts where they are aligned to, with a box behind them, and markup in them is text', async () => {
    const options = { colors: 'black', boxColors: 'yellow', fontSizes: 12 } as const;
    const covered = async (drawing: Drawing) => {
      const picture = await drawing.picture();
      const xs: number[] = [];
      const ys: number[] = [];
      for (let y = 0; y < picture.height; y++)
        for (let x = 0; x < picture.width; x++)
          if ((at(picture, x, y)[2] ?? 255) < 128) {
            xs.push(x);
            ys.push(y);
          }
      return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
    };
    const texts = (text: string, more: object) =>
      covered(new Drawing(white(200, 100)).drawTexts([text], [[100, 50]], { ...options, ...more }));
    const plain = await texts('a <b> & "c"', {});
    expect(plain.left).toBeGreaterThan(90);
    expect([plain.top >= 48, plain.right > 120]).toEqual([true, true]);
    const right = await texts('a <b> & "c"', { horizontalAlignments: 'right', verticalAlignments: 'bottom' });
    expect([right.right < 110, right.bottom <= 52]).toEqual([true, true]);
    const two = await texts('one\ntwo', {});
    expect(two.bottom - two.top).toBeGreaterThan(1.7 * 12);
  });

  it('cuts off what lies outside, takes grey pictures, and is a file when asked', async () => {
    const drawing = new Drawing(white(40, 30, 1)).drawBboxes([[-50, -50, 500, 15]], {
      faceColors: 'red',
      edgeColors: 'red',
      alphas: 1,
    });
    const { bytes, width, height, format } = await drawing.encode('png');
    expect([format, width, height]).toEqual(['png', 40, 30]);
    const read = await decodePicture(bytes, 'drawn.png');
    expect([at(read, 20, 10), at(read, 20, 25)]).toEqual([
      [255, 0, 0],
      [255, 255, 255],
    ]);
    expect([...(await new Drawing(white()).encode('jpeg')).bytes.subarray(0, 2)]).toEqual([0xff, 0xd8]);
  });

  it.each<[string, (drawing: Drawing) => unknown, RegExp]>([
    ['a box that is inside out', (d) => d.drawBboxes([[5, 5, 1, 9]]), /box 0 is \[5, 5, 1, 9\]/],
    ['a box without numbers', (d) => d.drawBboxes([[Number.NaN, 0, 1, 1]]), /box 0/],
    ['an infinite corner', (d) => d.drawPolygons([[[Number.POSITIVE_INFINITY, 0]]]), /finite coordinates/],
    [
      'options for another number of shapes',
      (d) => d.drawBboxes([[0, 0, 1, 1]], { edgeColors: ['red', 'blue'] }),
      /drawBboxes has 1 shapes but edgeColors has 2 values/,
    ],
    ['a mask of another size', (d) => d.drawBinaryMasks([new Uint8Array(3)]), /mask 0 has 3 pixels/],
    ['a colour that is none', (d) => d.drawPoints([[1, 1]], { colors: '#12345' }), /#12345 is no colour/],
    ['texts without positions', (d) => d.drawTexts(['a'], []), /1 texts but 0 positions/],
  ])('refuses %s', (_name, draw, message) => {
    expect(() => draw(new Drawing(white()))).toThrow(message);
    expect(() => draw(new Drawing(white()))).toThrow(OmmaError);
  });

  it('refuses a picture whose pixels are not all there', () => {
    expect(() => new Drawing({ ...white(), data: new Uint8Array(5) })).toThrow(/expected 40x30 pixels/);
  });
});

describe('the palette', () => {
  it('has a colour for any number of instances, no two of them the same', () => {
    const colors = new Set<Color>(Array.from({ length: 100 }, (_, i) => paletteColor(i)));
    expect(colors.size).toBe(100);
    for (const color of colors) expect(color).toMatch(/^#[0-9a-f]{6}$/);
  });
});

describe('a feature map', () => {
  /** Two channels of 2 rows and 3 columns; the second is the stronger one. */
  const map = hostTensor([2, 2, 3], 'float32', Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9));
  const [darkBlue, darkRed] = [
    [0, 0, 128],
    [128, 0, 0],
  ];

  it('is the mean of its channels in colours from blue to red', async () => {
    const drawn = await drawFeatmap(map);
    expect([drawn.width, drawn.height]).toEqual([3, 2]);
    expect([at(drawn, 2, 1), at(drawn, 1, 0)]).toEqual([darkRed, darkBlue]);
    expect(at(drawn, 0, 0)).not.toEqual(darkBlue);
  });

  it('is its strongest channel alone, or several side by side, the strongest first', async () => {
    const strongest = await drawFeatmap(map, { channelReduction: 'selectMax' });
    expect([at(strongest, 2, 1), at(strongest, 0, 0)]).toEqual([darkRed, darkBlue]);
    const both = await drawFeatmap(map, { channelReduction: null, arrangement: [2, 1] });
    expect([both.width, both.height]).toEqual([3, 4]);
    expect([at(both, 2, 1), at(both, 0, 2)]).toEqual([darkRed, darkRed]);
  });

  it('lies over the picture, as strong as it is told to', async () => {
    const drawn = await drawFeatmap(map, { overlaidImage: white(30, 20), alpha: 0.25 });
    expect([drawn.width, drawn.height]).toEqual([30, 20]);
    expect(at(drawn, 29, 19)).toEqual([223, 191, 191]);
    const grey = await drawFeatmap(map, { overlaidImage: white(30, 20, 1), alpha: 0 });
    expect(at(grey, 3, 3)).toEqual([255, 255, 255]);
  });

  it('is refused when it is a batch, or has no room', async () => {
    const batch = hostTensor([2, 1, 1, 1], 'float32', new Float32Array(2));
    await expect(drawFeatmap(batch)).rejects.toThrow(/expected \[channels, height, width\]/);
    await expect(drawFeatmap(map, { channelReduction: null, arrangement: [1, 1] })).rejects.toThrow(
      /an arrangement of 1x1 has no room for 2 channels/,
    );
  });
});
