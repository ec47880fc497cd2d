/** Draws a label on a picture: a band with text at the bottom, for `omma predict --out`, for reports, and for the pictures of an evaluation. */

import { decoding, readPictureFile } from './decode.ts';
import type { Picture } from './picture.ts';
import { openPicture, plainBytes, type Sharp, sharp } from './vips.ts';

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
  return decoding(path, async () => (await labelled(openPicture(bytes), text, options)).bytes);
}

/** The same of decoded pixels. Small pictures are enlarged to `longerSide` with every pixel a square. */
export function drawCaption(
  { width, height, channels, data }: Picture,
  text: string,
  options: LabelOptions = {},
): Promise<LabelledPicture> {
  const raw = { width, height, channels: channels === 1 ? (1 as const) : (3 as const) };
  const enlarged = (options.longerSide ?? 0) > 2 * Math.max(width, height);
  const kernel = enlarged ? 'nearest' : 'lanczos3';
  return labelled(sharp(data, { raw }).toColourspace('srgb'), text, options, kernel);
}

export interface LabelledPicture {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

async function labelled(
  upright: Sharp,
  text: string,
  options: LabelOptions,
  kernel: 'nearest' | 'lanczos3' = 'lanczos3',
): Promise<LabelledPicture> {
  const { longerSide } = options;
  const resized =
    longerSide === undefined ? upright : upright.resize(longerSide, longerSide, { fit: 'inside', kernel });
  const { data, info } = await resized.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const overlay = band(width, height, text, options.colour ?? '#1f6f4a');
  const drawn = sharp(data, { raw: { width, height, channels } }).composite([
    { input: Buffer.from(overlay), left: 0, top: 0 },
  ]);
  const bytes = await (options.format === 'jpeg' ? drawn.jpeg({ quality: 88 }) : drawn.png()).toBuffer();
  return { bytes: plainBytes(bytes), width, height };
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
