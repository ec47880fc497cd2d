/**
 * The addon that decodes JPEG files with libjpeg-turbo and resamples pixels, where `npm run setup` has built it. Without it sharp decodes and
 * TypeScript resamples, several times slower.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A plan's region, size and mirroring, as the addon takes them. */
type PlanNumbers = readonly [
  left: number,
  top: number,
  regionWidth: number,
  regionHeight: number,
  width: number,
  height: number,
  flip: boolean,
];

export interface PictureAddon {
  /** Width, height and EXIF orientation; null for what is no JPEG that it decodes. */
  jpegHeader(bytes: Uint8Array): readonly [width: number, height: number, orientation: number] | null;
  /** All pixels of a JPEG of this size; false when it is damaged. */
  decodeJpeg(bytes: Uint8Array, width: number, height: number, target: Uint8Array): boolean;
  /**
   * The planned pixels of a JPEG, of which no more is decoded than they need, at 1 / `shrink` of its size, in which `width`, `height` and the region
   * count. False when it is damaged.
   */
  renderJpeg(
    bytes: Uint8Array,
    width: number,
    height: number,
    shrink: number,
    ...plan: [...PlanNumbers, target: Uint8Array]
  ): boolean;
  resample(
    data: Uint8Array,
    width: number,
    height: number,
    channels: number,
    ...plan: [...PlanNumbers, target: Uint8Array]
  ): void;
}

/** Null where it is not built, or OMMA_NATIVE=off goes without. */
export const pictureAddon: PictureAddon | null = load();

function load(): PictureAddon | null {
  const path = fileURLToPath(new URL('../../native/build/omma_pictures.node', import.meta.url));
  if (process.env.OMMA_NATIVE === 'off' || !existsSync(path)) return null;
  const addon: PictureAddon = createRequire(import.meta.url)(path);
  return addon;
}
