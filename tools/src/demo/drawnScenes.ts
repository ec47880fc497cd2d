/**
 * Pictures that the demo draws itself when it has no photos: small scenes, one kind a class, as SVG rendered by sharp.
 *
 * Colours, places, sizes, skies and clutter are drawn at random and are the same for all classes, so that only the shape tells them
 * apart. The random numbers are fixed: every machine draws the same set.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RandomNumbers, sampleRandom } from '@omma/cv';
import sharp from 'sharp';

const side = 96;
const perClass = { train: 90, val: 30 } as const;

/** Numbers and colours for one drawing. */
class Brush {
  readonly #random: RandomNumbers;

  constructor(random: RandomNumbers) {
    this.#random = random;
  }

  between(low: number, high: number): number {
    return Math.round((low + this.#random() * (high - low)) * 10) / 10;
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  colour(light: number): string {
    return `hsl(${this.between(0, 360)} ${this.between(35, 85)}% ${this.between(light - 12, light + 12)}%)`;
  }
}

/** Each draws its subject around the origin, about 40 pixels wide. */
const subjects: Readonly<Record<string, (brush: Brush) => string>> = {
  boat: (brush) => {
    const sail = brush.colour(75);
    return (
      `<path d="M-22 8 H22 L14 20 H-14 Z" fill="${brush.colour(35)}"/><path d="M-1 6 V-24" stroke="#4a3b2a" stroke-width="2"/>` +
      `<path d="M1 4 V-24 L${brush.between(16, 22)} 4 Z" fill="${sail}"/><path d="M-3 4 V-18 L${brush.between(-18, -12)} 4 Z" fill="${sail}"/>`
    );
  },
  house: (brush) =>
    `<rect x="-17" y="-4" width="34" height="24" fill="${brush.colour(65)}"/>` +
    `<path d="M-22 -4 L0 ${brush.between(-26, -18)} L22 -4 Z" fill="${brush.colour(40)}"/>` +
    `<rect x="-4" y="6" width="8" height="14" fill="${brush.colour(30)}"/><rect x="7" y="1" width="7" height="7" fill="#f6edc0"/>` +
    `<rect x="-14" y="1" width="7" height="7" fill="#f6edc0"/>`,
  tree: (brush) => {
    const leaves = brush.colour(38);
    const crown = (y: number, half: number) =>
      `<path d="M${-half} ${y} L0 ${y - 16} L${half} ${y} Z" fill="${leaves}"/>`;
    return `<rect x="-3" y="8" width="6" height="13" fill="#6b4a2b"/>${crown(-8, 11)}${crown(1, 15)}${crown(11, brush.between(16, 20))}`;
  },
  balloon: (brush) =>
    `<ellipse cx="0" cy="-8" rx="${brush.between(14, 17)}" ry="18" fill="${brush.colour(55)}"/>` +
    `<path d="M-7 8 L-4 16 M7 8 L4 16" stroke="#4a4a4a" stroke-width="1.2"/><rect x="-5" y="15" width="10" height="7" fill="${brush.colour(35)}"/>` +
    `<path d="M-5 -25 Q-9 -8 -4 9 M5 -25 Q9 -8 4 9" stroke="${brush.colour(75)}" stroke-width="2.4" fill="none"/>`,
  fish: (brush) => {
    const body = brush.colour(55);
    return (
      `<ellipse cx="-2" cy="0" rx="18" ry="${brush.between(9, 12)}" fill="${body}"/><path d="M12 0 L24 -10 V10 Z" fill="${body}"/>` +
      `<path d="M-4 -9 Q4 -18 8 -7 Z" fill="${brush.colour(40)}"/><circle cx="-12" cy="-2" r="2.4" fill="#fff"/><circle cx="-12" cy="-2" r="1.2" fill="#111"/>`
    );
  },
  car: (brush) => {
    const paint = brush.colour(48);
    const wheel = (x: number) =>
      `<circle cx="${x}" cy="13" r="6" fill="#222"/><circle cx="${x}" cy="13" r="2.5" fill="#bbb"/>`;
    return (
      `<path d="M-24 12 V3 L-14 1 L${brush.between(-10, -7)} -9 H9 L16 1 L24 4 V12 Z" fill="${paint}"/>` +
      `<path d="M-10 0 L-6 -6 H0 V0 Z M2 0 V-6 H8 L12 0 Z" fill="#cfe6f2"/>${wheel(-13)}${wheel(13)}`
    );
  },
};

/** A whole picture: sky, ground, clutter, and the subject somewhere, tilted, sometimes mirrored, sometimes behind a pole. */
function scene(draw: (brush: Brush) => string, brush: Brush): string {
  const horizon = brush.between(40, 80);
  const clutter = Array.from({ length: 6 }, () => {
    const [x, y, size] = [brush.between(0, side), brush.between(0, side), brush.between(2, 8)];
    return brush.chance(0.5)
      ? `<circle cx="${x}" cy="${y}" r="${size}" fill="${brush.colour(60)}" opacity="0.7"/>`
      : `<rect x="${x}" y="${y}" width="${size * 2}" height="${size}" fill="${brush.colour(60)}" opacity="0.7"/>`;
  });
  const place = `translate(${brush.between(30, 66)} ${brush.between(34, 66)}) rotate(${brush.between(-18, 18)})`;
  const scale = `scale(${(brush.chance(0.5) ? 1 : -1) * brush.between(0.7, 1.4)} ${brush.between(0.8, 1.3)})`;
  const pole = brush.chance(0.3)
    ? `<rect x="${brush.between(10, 84)}" y="0" width="4" height="${side}" fill="${brush.colour(45)}"/>`
    : '';
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><rect width="${side}" height="${side}" fill="${brush.colour(78)}"/>` +
    `<rect y="${horizon}" width="${side}" height="${side}" fill="${brush.colour(55)}"/>${clutter.join('')}` +
    `<g transform="${place} ${scale}">${draw(brush)}</g>${pole}</svg>`
  );
}

/** Draws the whole set into `root/train` and `root/val`. */
export async function drawScenes(root: string): Promise<void> {
  let index = 0;
  for (const [name, draw] of Object.entries(subjects)) {
    for (const [split, count] of Object.entries(perClass)) {
      const folder = join(root, split, name);
      await mkdir(folder, { recursive: true });
      const drawings = Array.from({ length: count }, async (_, i) => {
        const svg = scene(draw, new Brush(sampleRandom(2026, 0, index + i)));
        const jpeg = await sharp(Buffer.from(svg)).jpeg({ quality: 90 }).toBuffer();
        await writeFile(join(folder, `${name}-${String(i).padStart(3, '0')}.jpg`), jpeg);
      });
      await Promise.all(drawings);
      index += count;
    }
  }
}
