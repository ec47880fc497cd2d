/** Texts as SVG. */

import { OmmaError } from '@omma/core';
import { escapeXml } from '../image/label.ts';
import type { Picture } from '../image/picture.ts';
import { type Color, hexOf } from './color.ts';
import type { Point } from './drawing.ts';
import { type Each, eachOf, part } from './each.ts';

export interface TextOptions {
  /** Height of the letters' line in pixels; fits the picture unless given. */
  readonly fontSizes?: Each<number>;
  /** Green unless given. */
  readonly colors?: Each<Color>;
  /** Which part of the text is at its position; `top` and `left` unless given. */
  readonly verticalAlignments?: Each<'top' | 'center' | 'bottom'>;
  readonly horizontalAlignments?: Each<'left' | 'center' | 'right'>;
  /** Color of a box behind the text; none unless given. */
  readonly boxColors?: Each<Color | null>;
}

const anchors = { left: 'start', center: 'middle', right: 'end' } as const;
/** From one line to the next, and from a line's top to where its letters stand, in parts of the font's size. */
const lineHeight = 1.2;
const ascent = 0.93;

export function textElements(
  texts: readonly string[],
  positions: readonly Point[],
  options: TextOptions,
  { width, height }: Picture,
): string[] {
  if (texts.length !== positions.length)
    throw new OmmaError(`drawing: drawTexts has ${texts.length} texts but ${positions.length} positions`);
  const of = <T>(name: string, given: Each<T> | undefined, otherwise: T) =>
    eachOf('drawTexts', name, given ?? otherwise, texts.length);
  const size = of('fontSizes', options.fontSizes, Math.max(10, Math.round(Math.min(width, height) / 24)));
  const color = of<Color>('colors', options.colors, 'green');
  const vertical = of<'top' | 'center' | 'bottom'>('verticalAlignments', options.verticalAlignments, 'top');
  const horizontal = of<'left' | 'center' | 'right'>(
    'horizontalAlignments',
    options.horizontalAlignments,
    'left',
  );
  const box = of<Color | null>('boxColors', options.boxColors, null);
  return texts.map((text, i) => {
    const lines = text.split('\n');
    const [x, y] = positions[i] ?? [0, 0];
    const tall = lines.length * lineHeight * size(i);
    const top = y - { top: 0, center: tall / 2, bottom: tall }[vertical(i)];
    const rows = lines.map((line, row) => {
      const place = part({ x, y: top + (row * lineHeight + ascent) * size(i) });
      return `<tspan ${place}>${line === '' ? ' ' : escapeXml(line)}</tspan>`;
    });
    const look = `font-family="DejaVu Sans, Arial, sans-serif" ${part({ 'font-size': size(i) })} text-anchor="${anchors[horizontal(i)]}" fill="${hexOf(color(i))}" xml:space="preserve"`;
    const behind = box(i);
    if (behind === null) return `<text ${look}>${rows.join('')}</text>`;
    // The filter fills what the renderer finds the text to cover: only it knows how wide its letters are.
    const id = `box-${hexOf(behind).slice(1)}`;
    return (
      `<filter id="${id}" x="-0.03" y="-0.05" width="1.06" height="1.1"><feFlood flood-color="${hexOf(behind)}" flood-opacity="0.8"/>` +
      `<feComposite in="SourceGraphic" operator="over"/></filter><text ${look} filter="url(#${id})">${rows.join('')}</text>`
    );
  });
}
