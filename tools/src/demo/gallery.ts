/** Runs the exported model on a few validation pictures and draws its answers on them. */

import { readFile } from 'node:fs/promises';
import { classify, preparePicture } from '@omma/classification';
import { openCheckpoint } from '@omma/cli';
import { hostTensor } from '@omma/core';
import { drawLabel, ImageFolder } from '@omma/cv';
import { openOnnx } from '@omma/onnx';

export interface GalleryPicture {
  /** The labelled picture as a data URI. */
  readonly uri: string;
  readonly truth: string;
  readonly right: boolean;
  /** Most probable classes by the exported model. */
  readonly guesses: readonly { readonly class: string; readonly probability: number }[];
}

export interface Gallery {
  readonly pictures: readonly GalleryPicture[];
  /** Largest difference of a probability between ONNX Runtime and Omma. */
  readonly difference: number;
}

const shown = 12;
const guessesShown = 3;

export async function makeGallery(checkpoint: string, onnxFile: string, root: string): Promise<Gallery> {
  const validation = new ImageFolder({ root, split: 'val', transforms: [] });
  const indices = spread(validation.length, shown);
  const model = await openCheckpoint(checkpoint, {});
  const onnx = await openOnnx(await readFile(onnxFile));
  try {
    const pictures: GalleryPicture[] = [];
    let difference = 0;
    const paths = indices.map((index) => validation.nameOf(index));
    const own = await classify(model, paths, { top: validation.classes.length });
    for (const [i, path] of paths.entries()) {
      const { bytes, type } = await preparePicture(path, model);
      const { probabilities } = await onnx.run({
        image: hostTensor([1, ...type.shape], 'uint8', bytes),
      });
      const guesses = Array.from(probabilities?.data ?? [], (probability, label) => ({
        class: validation.classes[label] ?? String(label),
        probability,
      })).sort((a, b) => b.probability - a.probability);
      for (const guess of own[i] ?? []) {
        const other = guesses.find((candidate) => candidate.class === guess.class)?.probability ?? 0;
        difference = Math.max(difference, Math.abs(guess.probability - other));
      }
      const truth = validation.classes[validation.labelOf(indices[i] ?? 0)] ?? '';
      pictures.push(await drawn(path, truth, guesses));
    }
    return { pictures, difference };
  } finally {
    await onnx.dispose();
    await model.runner.dispose();
  }
}

async function drawn(
  path: string,
  truth: string,
  guesses: GalleryPicture['guesses'],
): Promise<GalleryPicture> {
  const [best] = guesses;
  const right = best?.class === truth;
  const text = `${best?.class ?? '?'} ${Math.round(100 * (best?.probability ?? 0))} %`;
  const jpeg = await drawLabel(path, text, {
    longerSide: 320,
    format: 'jpeg',
    colour: right ? '#1f7a55' : '#a63a2a',
  });
  const uri = `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`;
  return { uri, truth, right, guesses: guesses.slice(0, guessesShown) };
}

/** `count` indices spread over [0, length), not all at the start of a class. */
function spread(length: number, count: number): number[] {
  const own = Math.min(length, count);
  return Array.from({ length: own }, (_, i) => Math.floor(((i + 0.37) * length) / own));
}
