/**
 * Drawing on pictures: boxes, polygons, masks, points, lines, circles and texts, as MMEngine's Visualizer draws them. Calls note shapes, one over the
 * other in their order; `picture` and `encode` draw all of them at once. Shapes become SVG, which libvips draws; masks are pixels.
 *
 *     const bytes = await new Drawing(picture)
 *       .drawBboxes([[10, 20, 110, 220]], { edgeColors: 'red' })
 *       .drawTexts(['tulip 93 %'], [[10, 20]], { boxColors: 'red', colors: 'white', verticalAlignments: 'bottom' })
 *       .encode('png');
 *
 * Coordinates are pixels, x to the right and y downwards, (0, 0) the upper left corner of the picture; what lies outside is cut off. Options are one value for all, or a list
 * with one for each.
 */

import { OmmaError } from '@omma/core';
import { escapeXml } from '../image/label.ts';
import type { Picture } from '../image/picture.ts';
import { plainBytes, sharp } from '../image/vips.ts';
import { type Color, hexOf } from './color.ts';
import { type Each, eachOf, part } from './each.ts';
import { maskLayer } from './masks.ts';
import { type TextOptions, textElements } from './texts.ts';

export type Point = readonly [x: number, y: number];
/** Left, top, right, bottom. */
export type Bbox = readonly [x1: number, y1: number, x2: number, y2: number];
export type LineStyle = 'solid' | 'dashed' | 'dotted' | 'dashdot';

export interface LineOptions {
  /** Green unless given. */
  readonly colors?: Each<Color>;
  readonly lineStyles?: Each<LineStyle>;
  /** In pixels; 2 unless given. */
  readonly lineWidths?: Each<number>;
  /** 0 (invisible) to 1; 0.8 unless given. */
  readonly alphas?: Each<number>;
}

export interface ShapeOptions {
  /** Green unless given. */
  readonly edgeColors?: Each<Color>;
  readonly lineStyles?: Each<LineStyle>;
  /** In pixels; 2 unless given. */
  readonly lineWidths?: Each<number>;
  /** Not filled unless given. */
  readonly faceColors?: Each<Color | null>;
  /** 0 (invisible) to 1; 0.8 unless given. */
  readonly alphas?: Each<number>;
}

export interface PointOptions {
  /** Green unless given. */
  readonly colors?: Each<Color>;
  /** Radius in pixels; 3 unless given. */
  readonly sizes?: Each<number>;
}

export interface MaskOptions {
  /** Green unless given. */
  readonly colors?: Each<Color>;
  /** 0 (invisible) to 1; 0.8 unless given. */
  readonly alphas?: Each<number>;
}

/** Shapes that follow each other are one layer; masks are pixels, red, green, blue and alpha. */
type Layer = { readonly svg: string[] } | { readonly pixels: Uint8Array<ArrayBuffer> };

const dashes: Readonly<Record<LineStyle, readonly number[]>> = {
  solid: [],
  dashed: [3.7, 1.6],
  dotted: [1, 1.65],
  dashdot: [6.4, 1.6, 1, 1.6],
};

export class Drawing {
  readonly #picture: Picture;
  readonly #layers: Layer[] = [];

  /** `picture` stays as it is; a grey one becomes RGB. */
  constructor(picture: Picture) {
    const { width, height, channels, data } = picture;
    if (data.length !== width * height * channels || (channels !== 1 && channels !== 3))
      throw new OmmaError(
        `drawing: expected ${width}x${height} pixels of 1 or 3 channels but found ${data.length} numbers and ${channels} channels`,
      );
    this.#picture = picture;
  }

  /** Throws OmmaError for a box whose right or lower edge comes before the other. */
  drawBboxes(bboxes: readonly Bbox[], options: ShapeOptions = {}): this {
    const shapes = bboxes.map(([x1, y1, x2, y2], i) => {
      if (!(x1 <= x2 && y1 <= y2))
        throw new OmmaError(
          `drawing: box ${i} is [${[x1, y1, x2, y2].join(', ')}]; expected is [left, top, right, bottom]`,
        );
      return `rect ${part({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 })}`;
    });
    return this.#shapes('drawBboxes', shapes, options);
  }

  /** Closed polygons, each with its corners in order. */
  drawPolygons(polygons: readonly (readonly Point[])[], options: ShapeOptions = {}): this {
    return this.#shapes(
      'drawPolygons',
      polygons.map((corners) => `polygon ${pointList(corners)}`),
      options,
    );
  }

  /** Circles of a radius each, or one for all. */
  drawCircles(centres: readonly Point[], radii: Each<number>, options: ShapeOptions = {}): this {
    const radius = eachOf('drawCircles', 'radii', radii, centres.length);
    const shapes = centres.map(([cx, cy], i) => `circle ${part({ cx, cy, r: radius(i) })}`);
    return this.#shapes('drawCircles', shapes, options);
  }

  /** Open lines, each through its points in order. */
  drawLines(lines: readonly (readonly Point[])[], { colors = 'green', ...options }: LineOptions = {}): this {
    const shapes = lines.map((points) => `polyline ${pointList(points)}`);
    return this.#shapes('drawLines', shapes, { ...options, edgeColors: colors });
  }

  /** Filled dots. */
  drawPoints(positions: readonly Point[], { colors = 'green', sizes = 3 }: PointOptions = {}): this {
    const color = eachOf('drawPoints', 'colors', colors, positions.length);
    const size = eachOf('drawPoints', 'sizes', sizes, positions.length);
    return this.#note(
      positions.map(([cx, cy], i) => `<circle ${part({ cx, cy, r: size(i) })} fill="${hexOf(color(i))}"/>`),
    );
  }

  /** Texts at their positions; a text may have several lines. */
  drawTexts(texts: readonly string[], positions: readonly Point[], options: TextOptions = {}): this {
    return this.#note(textElements(texts, positions, options, this.#picture));
  }

  /** Masks of the picture's size, one number a pixel: what is not zero is coloured. */
  drawBinaryMasks(masks: readonly ArrayLike<number | boolean>[], options: MaskOptions = {}): this {
    const { width, height } = this.#picture;
    this.#layers.push({ pixels: maskLayer(masks, options, width, height) });
    return this;
  }

  /** The picture with everything on it, in RGB. */
  async picture(): Promise<Picture> {
    const { data, info } = await this.#drawn().raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: info.channels, data: plainBytes(data) };
  }

  /** The same as a file, as `Visualizer.addImage` and a model's `draw` take it. */
  async encode(format: 'png' | 'jpeg'): Promise<{
    readonly format: 'png' | 'jpeg';
    readonly bytes: Uint8Array;
    readonly width: number;
    readonly height: number;
  }> {
    const drawn = this.#drawn();
    const bytes = await (format === 'jpeg' ? drawn.jpeg({ quality: 90 }) : drawn.png()).toBuffer();
    return { format, bytes: plainBytes(bytes), width: this.#picture.width, height: this.#picture.height };
  }

  #shapes(call: string, shapes: readonly string[], options: ShapeOptions): this {
    const of = <T>(name: string, given: Each<T> | undefined, otherwise: T) =>
      eachOf(call, name, given ?? otherwise, shapes.length);
    const edge = of<Color>('edgeColors', options.edgeColors, 'green');
    const style = of<LineStyle>('lineStyles', options.lineStyles, 'solid');
    const width = of('lineWidths', options.lineWidths, 2);
    const face = of<Color | null>('faceColors', options.faceColors, null);
    const alpha = of('alphas', options.alphas, 0.8);
    return this.#note(
      shapes.map((shape, i) => {
        const fill = face(i);
        const dash = dashes[style(i)].map((length) => length * width(i)).join(' ');
        return `<${shape} ${part({ 'stroke-width': width(i), opacity: alpha(i) })} stroke="${hexOf(edge(i))}" stroke-linejoin="round" ${dash === '' ? '' : `stroke-dasharray="${dash}" `}fill="${fill === null ? 'none' : hexOf(fill)}"/>`;
      }),
    );
  }

  #note(elements: readonly string[]): this {
    const last = this.#layers.at(-1);
    if (last !== undefined && 'svg' in last) last.svg.push(...elements);
    else this.#layers.push({ svg: [...elements] });
    return this;
  }

  #drawn(): ReturnType<typeof sharp> {
    const { width, height, channels, data } = this.#picture;
    const rgb = channels === 1 ? greyAsRgb(data) : data;
    const size = `width="${width}" height="${height}"`;
    const overlays = this.#layers.map((layer) =>
      'svg' in layer
        ? {
            input: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${layer.svg.join('')}</svg>`),
          }
        : { input: Buffer.from(layer.pixels.buffer), raw: { width, height, channels: 4 as const } },
    );
    return sharp(rgb, { raw: { width, height, channels: 3 } })
      .composite(overlays)
      .removeAlpha();
  }
}

function pointList(points: readonly Point[]): string {
  for (const [x, y] of points)
    if (!Number.isFinite(x) || !Number.isFinite(y))
      throw new OmmaError(`drawing: expected finite coordinates but found [${x}, ${y}]`);
  return `points="${escapeXml(points.map(([x, y]) => `${x},${y}`).join(' '))}"`;
}

function greyAsRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i] ?? 0, 3 * i, 3 * i + 3);
  return rgb;
}
