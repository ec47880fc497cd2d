/** Picture files as batches for a trained model, and its answers by class. */

import { at, type HostTensor, hostTensor, OmmaError, sameShape, sizeOf, type TensorType } from '@omma/core';
import { carryOut, type Picture, type Plan, readPicture } from '@omma/cv';
import type { CheckpointModel } from './checkpointModel.ts';
import { ownSize, type Size } from './modelBytes.ts';

/** What classifies pictures. */
export interface PictureModel extends Pick<CheckpointModel, 'classes' | 'image' | 'transform'> {
  step(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** The heights and widths that it takes; that of `image` unless given. */
  readonly sizes?: readonly Size[];
}

export interface Guess {
  readonly class: string;
  readonly probability: number;
}

/** Pictures in one run of the model. */
const batchSize = 16;

/** The classes of every picture, most probable first, `top` of them. */
export async function classify(
  model: PictureModel,
  paths: readonly string[],
  top: number,
): Promise<Guess[][]> {
  const guesses: Guess[][] = [];
  const size = Math.min(batchSize, paths.length);
  for (let start = 0; start < paths.length; start += size) {
    const own = paths.slice(start, start + size);
    const pictures = await Promise.all(own.map((path) => preparePicture(path, model)));
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
  }
  return guesses;
}

const distinct = (types: readonly TensorType[]) =>
  types.filter((type, i) => types.findIndex((other) => sameShape(other.shape, type.shape)) === i);

/** A picture file as the bytes that a model takes for it, and their type, [height, width, channels]. */
export interface PreparedPicture {
  readonly bytes: Uint8Array;
  readonly type: TensorType;
}

/** Transformed as in evaluation, then brought to the model's channels and that of its sizes that is most like it. */
export async function preparePicture(
  path: string,
  { transform, image, sizes }: Pick<PictureModel, 'transform' | 'image' | 'sizes'>,
): Promise<PreparedPicture> {
  const channels = image.shape[2] ?? 3;
  const picture = await readPicture(path);
  const prepared = carryOut(
    transform,
    channels === 1 ? grey(picture) : picture,
    () => 0.5,
    (wanted) => {
      const [height, width] = mostAlike(wanted, sizes ?? [ownSize({ image })]);
      return { plan: { ...wanted, height, width }, bytes: new Uint8Array(height * width * channels) };
    },
  );
  const { height, width, data } = prepared;
  return { bytes: data, type: { shape: [height, width, channels], dtype: image.dtype } };
}

/** The size that stretches and shrinks least. */
function mostAlike({ height, width }: Pick<Plan, 'height' | 'width'>, sizes: readonly Size[]): Size {
  const change = ([h, w]: Size) => Math.abs(Math.log(h / height)) + Math.abs(Math.log(w / width));
  return sizes.reduce((best, size) => (change(size) < change(best) ? size : best), at(sizes, 0));
}

/** Luminance, as ITU-R 601 weighs the colours. */
function grey({ width, height, data }: Picture): Picture {
  const light = Uint8Array.from({ length: width * height }, (_, i) =>
    Math.round(0.299 * (data[i * 3] ?? 0) + 0.587 * (data[i * 3 + 1] ?? 0) + 0.114 * (data[i * 3 + 2] ?? 0)),
  );
  return { width, height, channels: 1, data: light };
}

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
    probability,
  }));
  return guesses.sort((a, b) => b.probability - a.probability).slice(0, top);
}
