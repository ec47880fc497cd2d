/** Draws a label on a picture: a band with text at the bottom, for `omma predict --out` and for reports. */

import { decoding, readPictureFile } from './decode.ts';
import { openPicture, sharp } from './vips.ts';

export interface LabelOptions {
  /** Length of the longer side of the result; that of the picture unless given. */
  readonly longerSide?: number;
  /** Colour of the band, as CSS writes it. */
  readonly colour?: string;
  readonly format?: 'png' | 'jpeg';
}

/** A PNG (or JPEG) of the picture at `path` with `text` on it. */
export async function drawLabel(path: string, text: string, options: LabelOptions = {}): Promise<Uint8Array> {
  const bytes = await readPictureFile(path);
  return decoding(path, async () => {
    const upright = openPicture(bytes);
    const { longerSide } = options;
    const resized =
      longerSide === undefined ? upright : upright.resize(longerSide, longerSide, { fit: 'inside' });
    const { data, info } = await resized.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const overlay = band(info.width, info.height, text, options.colour ?? '#1f6f4a');
    const drawn = sharp(data, {
      raw: { width: info.width, height: info.height, channels: info.channels },
    }).composite([{ input: Buffer.from(overlay), left: 0, top: 0 }]);
    return options.format === 'jpeg' ? drawn.jpeg({ quality: 88 }).toBuffer() : drawn.png().toBuffer();
  });
}

/** An SVG of the picture's size with the band. The text shrinks to fit the width. */
function band(width: number, height: number, text: string, colour: string): string {
  const wanted = Math.min(Math.max(12, height * 0.06), height * 0.2);
  const size = Math.min(wanted, width / (0.58 * Math.max(1, text.length) + 1.2));
  const tall = Math.round(size * 1.7);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<rect x="0" y="${height - tall}" width="${width}" height="${tall}" fill="${escapeXml(colour)}" fill-opacity="0.86"/>` +
    `<text x="${size * 0.6}" y="${height - tall / 2 + size * 0.35}" font-family="DejaVu Sans, Arial, sans-serif" ` +
    `font-size="${size}" fill="#ffffff">${escapeXml(text)}</text></svg>`
  );
}

/** Text as it may stand in XML: markup characters escaped, characters that XML does not know left out. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  };
  return [...text]
    .filter((character) => character >= ' ' && character !== '\uFFFE' && character !== '\uFFFF')
    .map((character) => entities[character] ?? character)
    .join('');
}
