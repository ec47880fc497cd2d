/** Pictures as batches for a trained model, and its answers by class. */

import { at, type HostTensor, hostTensor, OmmaError, sameShape, sizeOf, type TensorType } from '@omma/core';
import { type PictureModel, type PictureSource, preparePicture } from './pictureModel.ts';

/** A class, and how probable the model finds it. MMPretrain's `pred_class`, `pred_label`, `pred_score`. */
export interface Guess {
  readonly class: string;
  /** Its index among the model's classes. */
  readonly label: number;
  /** From 0 to 1. */
  readonly probability: number;
}

export interface ClassifyOptions {
  /** Classes given a picture, the most probable first; 5 unless given. */
  readonly top?: number;
  /** Most pictures in one run of the model; 16 unless given. */
  readonly batchSize?: number;
  /** Told how many pictures are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The most probable classes of every picture. Few pictures are filled up to 1, 2, 4, ... so that few programs are compiled. */
export async function classify(
  model: PictureModel,
  sources: readonly PictureSource[],
  { top = 5, batchSize = 16, onProgress }: ClassifyOptions = {},
): Promise<Guess[][]> {
  requireCount('top', top);
  requireCount('batchSize', batchSize);
  const guesses: Guess[][] = [];
  const size = Math.min(batchSize, 2 ** Math.ceil(Math.log2(Math.max(1, sources.length))));
  for (let start = 0; start < sources.length; start += size) {
    const own = sources.slice(start, start + size);
    const pictures = await Promise.all(own.map((source) => preparePicture(source, model)));
    for (const type of distinct(pictures.map((picture) => picture.type))) {
      const alike = pictures.flatMap((picture, i) => (sameShape(picture.type.shape, type.shape) ? [i] : []));
      const bytes = alike.map((i) => at(pictures, i).bytes);
      const { probabilities } = await model.step({ image: stacked(bytes, size, type) });
      if (probabilities === undefined)
        throw new OmmaError('predict: the model gives no probabilities; use a classifier');
      alike.forEach((i, row) => {
        guesses[start + i] = topGuesses(probabilities, row, model.classes, top);
      });
    }
    onProgress?.(Math.min(start + size, sources.length), sources.length);
  }
  return guesses;
}

function requireCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new OmmaError(`predict: ${name} must be a whole number, at least 1, but is ${value}`);
}

const distinct = (types: readonly TensorType[]) =>
  types.filter((type, i) => types.findIndex((other) => sameShape(other.shape, type.shape)) === i);

/** A batch of `size`; what is missing is black. */
function stacked(pictures: readonly Uint8Array[], size: number, type: TensorType): HostTensor {
  const each = sizeOf(type.shape);
  const data = new Uint8Array(size * each);
  pictures.forEach((picture, i) => {
    data.set(picture, i * each);
  });
  return hostTensor([size, ...type.shape], 'uint8', data);
}

function topGuesses(
  probabilities: HostTensor,
  row: number,
  classes: readonly string[],
  top: number,
): Guess[] {
  const count = probabilities.shape[1] ?? 0;
  const own = probabilities.data.subarray(row * count, (row + 1) * count);
  const guesses = Array.from(own, (probability, label) => ({
    class: classes[label] ?? `class ${label}`,
    label,
    probability,
  }));
  return guesses.sort((a, b) => b.probability - a.probability).slice(0, top);
}
