/** Picture files as batches for a trained model, and its answers by class. */

import { type HostTensor, hostTensor, OmmaError, sizeOf, type TensorType } from '@omma/core';
import { identityPlan, type Picture, type Plan, readPicture, resample, type Transform } from '@omma/cv';
import type { CheckpointModel } from './checkpointModel.ts';

/** What classifies pictures. */
export interface PictureModel extends Pick<CheckpointModel, 'classes' | 'image' | 'transform'> {
  step(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** Batch sizes that it takes, ascending; any unless given. */
  readonly batchSizes?: readonly number[];
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
  const { batchSizes } = model;
  const wanted = Math.min(batchSize, paths.length);
  const size =
    batchSizes === undefined ? wanted : (batchSizes.find((each) => each >= wanted) ?? batchSizes.at(-1) ?? 1);
  for (let start = 0; start < paths.length; start += size) {
    const own = paths.slice(start, start + size);
    const pictures = await Promise.all(own.map((path) => preparePicture(path, model.transform, model.image)));
    const { probabilities } = await model.step({ image: stacked(pictures, size, model.image) });
    if (probabilities === undefined)
      throw new OmmaError('predict: the model gives no probabilities; use a classifier');
    guesses.push(...own.map((_, row) => topGuesses(probabilities, row, model.classes, top)));
  }
  return guesses;
}

/** The bytes that the model takes for a picture file: transformed as in evaluation, then brought to the model's size and channels. */
export async function preparePicture(
  path: string,
  transform: Transform,
  type: TensorType,
): Promise<Uint8Array> {
  const [height = 1, width = 1, channels = 3] = type.shape;
  const picture = await readPicture(path);
  const plan: Plan = { ...transform(identityPlan(picture.width, picture.height), () => 0.5), height, width };
  return resample(channels === 1 ? grey(picture) : picture, plan);
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
