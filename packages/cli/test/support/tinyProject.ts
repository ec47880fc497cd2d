/** A model and pictures so small that a command trains on them in a moment, and the command as a process. */

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** The program that npm links as `omma`. */
export const program = join(import.meta.dirname, '../../bin/omma.js');

/** A ResNet of one narrow stage for two classes. */
export const tinyModel = {
  type: 'ImageClassifier',
  backbone: {
    type: 'ResNet',
    depth: 18,
    stem: 'cifar',
    stemChannels: 4,
    baseChannels: 4,
    numStages: 1,
    strides: [1],
    dilations: [1],
    outIndices: [0],
  },
  head: { type: 'LinearClsHead', numClasses: 2 },
} as const;

/** An image folder that is resized to 8 x 8. */
export function tinyDataset(root: string, split: 'train' | 'val') {
  return { type: 'ImageFolder', root, split, transforms: [{ type: 'Resize', size: [8, 8] }] } as const;
}

/** Four pictures a class, each a pixel wider than the one before and in the next of the class's colours: `folder/CLASS/0.png` to `3.png`. */
export async function drawPictures(
  folder: string,
  classes: Readonly<Record<string, readonly string[]>>,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<void> {
  for (const [name, colours] of Object.entries(classes)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < 4; i++) {
      const background = colours[i % colours.length] ?? 'black';
      await sharp({ create: { width: width + i, height, channels: 3, background } })
        .png()
        .toFile(join(folder, name, `${i}.png`));
    }
  }
}

/** Runs `omma` to its end. */
export function runOmma(
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, [program, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}
