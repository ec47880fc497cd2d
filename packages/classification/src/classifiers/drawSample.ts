/** A classified picture as people look at it: enlarged, with the guess and its probability on a green or red band, and the truth beside a wrong one. */

import type { HostTensor } from '@omma/core';
import { drawCaption } from '@omma/cv';
import type { DrawnSample, EvaluatedSample } from '@omma/engine';

const right = '#1f6f4a';
const wrong = '#a8322a';
const unknown = '#33506b';
/** The longer side of a drawn picture, in pixels: legible, and small enough to keep many. */
const side = 224;

/** Null where the batch has no pictures or the outputs no scores. */
export async function drawSample({
  batch,
  outputs,
  row,
  classes,
}: EvaluatedSample): Promise<DrawnSample | null> {
  const { image, label } = batch.inputs;
  const { probabilities } = outputs;
  if (
    image === undefined ||
    image.dtype !== 'uint8' ||
    image.shape.length !== 4 ||
    probabilities === undefined
  )
    return null;
  const scores = rowOf(probabilities, row);
  const guess = scores.reduce((best, score, i) => (score > (scores[best] ?? 0) ? i : best), 0);
  const truth = label?.data[row] ?? null;
  const correct = truth === null ? null : truth === guess;
  const nameOf = (index: number) => classes[index] ?? `class ${index}`;
  const percent = `${(100 * (scores[guess] ?? 0)).toFixed(0)} %`;
  const caption = `${nameOf(guess)} ${percent}${correct === false ? `, is ${nameOf(truth ?? 0)}` : ''}`;
  const [, height = 1, width = 1, channels = 3] = image.shape;
  const pixels = Uint8Array.from(rowOf(image, row));
  const colour = correct === null ? unknown : correct ? right : wrong;
  const drawn = await drawCaption({ width, height, channels, data: pixels }, caption, {
    longerSide: side,
    colour,
    format: 'jpeg',
  });
  return { caption, correct, format: 'jpeg', ...drawn };
}

function rowOf({ shape, data }: HostTensor, row: number): number[] {
  const size = shape.slice(1).reduce((product, length) => product * length, 1);
  return Array.from(data.subarray(row * size, (row + 1) * size));
}
