/** Colours of drawings: as CSS writes them in six digits, or one of matplotlib's names. */

import { OmmaError } from '@omma/core';

const names = {
  black: '#000000',
  white: '#ffffff',
  gray: '#808080',
  red: '#ff0000',
  green: '#008000',
  lime: '#00ff00',
  blue: '#0000ff',
  cyan: '#00ffff',
  magenta: '#ff00ff',
  yellow: '#ffff00',
  orange: '#ffa500',
  purple: '#800080',
  pink: '#ffc0cb',
  brown: '#a52a2a',
} as const;

export type Color = keyof typeof names | `#${string}`;

/** As `#rrggbb`. Throws OmmaError for what is no colour. */
export function hexOf(color: Color): string {
  const text = isName(color) ? names[color] : color;
  if (/^#[0-9a-f]{6}$/i.test(text)) return text;
  throw new OmmaError(
    `drawing: ${color} is no colour; write #rrggbb or one of ${Object.keys(names).join(', ')}`,
  );
}

/** Red, green and blue, 0 to 255. */
export function rgbOf(color: Color): readonly [number, number, number] {
  const value = Number.parseInt(hexOf(color).slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The colour of the class or instance `index`: always the same, and neighbours are far apart on the colour wheel. */
export function paletteColor(index: number): Color {
  const hue = (((index * 137.508) % 360) + 360) % 360;
  const lightness = [0.5, 0.42, 0.6][Math.abs(index) % 3] ?? 0.5;
  const reach = 0.85 * Math.min(lightness, 1 - lightness);
  // From hue, saturation and lightness to a channel, as CSS defines it.
  const channel = (offset: number) => {
    const place = (offset + hue / 30) % 12;
    const value = lightness - reach * Math.max(-1, Math.min(place - 3, 9 - place, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

function isName(text: string): text is keyof typeof names {
  return text in names;
}
