/** What judges pictures, and pictures in the form that it takes. */

import { at, type HostTensor, OmmaError, type TensorType } from '@omma/core';
import { carryOut, decodePicture, type Picture, type Plan, readPicture, type TransformChain } from '@omma/cv';

/** Height and width. */
export type Size = readonly [height: number, width: number];

/** A trained model that is ready to run: `openCheckpoint` makes one of a checkpoint. */
export interface PictureModel {
  readonly classes: readonly string[];
  /** Type of one picture: uint8 [height, width, channels]. */
  readonly image: TensorType;
  /** How evaluation prepares a picture. */
  readonly transform: TransformChain;
  /** The heights and widths that it takes; that of `image` unless given. */
  readonly sizes?: readonly Size[];
  /** `probabilities` [N, classes] of a batch `image`, uint8 [N, height, width, channels]. */
  step(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
}

/** A picture file, the bytes of one, or decoded pixels. */
export type PictureSource = string | Uint8Array | Picture;

/** The size that a model was trained to take. */
export function ownSize({ image }: Pick<PictureModel, 'image'>): Size {
  const [height = 1, width = 1] = image.shape;
  return [height, width];
}

/** A picture as the bytes that a model takes for it, and their type, [height, width, channels]. */
export interface PreparedPicture {
  readonly bytes: Uint8Array;
  readonly type: TensorType;
}

/** Transformed as in evaluation, then brought to the model's channels and that of its sizes that is most like it. OmmaError for a file that is no picture. */
export async function preparePicture(
  source: PictureSource,
  { transform, image, sizes }: Pick<PictureModel, 'transform' | 'image' | 'sizes'>,
): Promise<PreparedPicture> {
  const channels = image.shape[2] ?? 3;
  const picture = await pixelsOf(source);
  const prepared = carryOut(
    transform,
    withChannels(picture, channels),
    () => 0.5,
    (wanted) => {
      const [height, width] = mostAlike(wanted, sizes ?? [ownSize({ image })]);
      return { plan: { ...wanted, height, width }, bytes: new Uint8Array(height * width * channels) };
    },
  );
  const { height, width, data } = prepared;
  return { bytes: data, type: { shape: [height, width, channels], dtype: image.dtype } };
}

function pixelsOf(source: PictureSource): Promise<Picture> | Picture {
  if (typeof source === 'string') return readPicture(source);
  return source instanceof Uint8Array ? decodePicture(source, 'of these bytes') : checked(source);
}

/** Refuses pixels that are neither grey nor RGB, or not as many as the size says. */
function checked(picture: Picture): Picture {
  const { width, height, channels, data } = picture;
  if ((channels === 1 || channels === 3) && data.length === width * height * channels && data.length > 0)
    return picture;
  throw new OmmaError(
    `predict: ${data.length} bytes are no picture of ${width}x${height} with ${channels} channels; expected width * height * channels of them, 1 channel for grey, 3 for RGB`,
  );
}

/** The size that stretches and shrinks least. */
function mostAlike({ height, width }: Pick<Plan, 'height' | 'width'>, sizes: readonly Size[]): Size {
  const change = ([h, w]: Size) => Math.abs(Math.log(h / height)) + Math.abs(Math.log(w / width));
  return sizes.reduce((best, size) => (change(size) < change(best) ? size : best), at(sizes, 0));
}

/** Grey of colours is luminance, as ITU-R 601 weighs them; colours of grey are the same three times. */
function withChannels(picture: Picture, channels: number): Picture {
  if (picture.channels === channels) return picture;
  const { width, height, data } = picture;
  const one =
    channels === 1
      ? (i: number) =>
          0.299 * (data[i * 3] ?? 0) + 0.587 * (data[i * 3 + 1] ?? 0) + 0.114 * (data[i * 3 + 2] ?? 0)
      : (i: number) => data[Math.floor(i / channels)] ?? 0;
  const converted = Uint8Array.from({ length: width * height * channels }, (_, i) => Math.round(one(i)));
  return { width, height, channels, data: converted };
}
