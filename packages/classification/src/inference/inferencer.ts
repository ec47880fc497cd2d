/** Predictions in a program: MMPretrain's `ImageClassificationInferencer`, MMEngine's `BaseInferencer`. */

import { type CheckpointModel, type OpenOptions, openCheckpoint } from './checkpointModel.ts';
import { type ClassifyOptions, classify, type Guess } from './classify.ts';
import type { PictureSource } from './pictureModel.ts';

/**
 * A trained classifier that answers for pictures.
 *
 *     import '@omma/cpu';
 *     const inferencer = await ImageClassificationInferencer.open('work_dirs/flowers/best.safetensors');
 *     const [guesses] = await inferencer.predict(['photo.jpg']); // [{ class: 'rose', label: 2, probability: 0.93 }, ...]
 *     await inferencer.dispose();
 *
 * It needs nothing but the checkpoint, which holds config, classes and transforms. Calls at the same time are answered one after the other by the device.
 */
export class ImageClassificationInferencer {
  readonly #model: CheckpointModel;

  private constructor(model: CheckpointModel) {
    this.#model = model;
  }

  /** Loads a checkpoint, at a path or an address, onto a device that has been imported (`@omma/cpu`, `@omma/onnx`, ...). */
  static async open(checkpoint: string, options: OpenOptions = {}): Promise<ImageClassificationInferencer> {
    return new ImageClassificationInferencer(await openCheckpoint(checkpoint, options));
  }

  get classes(): readonly string[] {
    return this.#model.classes;
  }

  /** The name of the device. */
  get device(): string {
    return this.#model.runner.device.name;
  }

  /**
   * The most probable classes of every picture, in the order of `pictures`: files, bytes of files, or RGB pixels. OmmaError for one that cannot be read or
   * decoded, which names it; no predictions are given then.
   */
  predict(pictures: readonly PictureSource[], options: ClassifyOptions = {}): Promise<Guess[][]> {
    return classify(this.#model, pictures, options);
  }

  /** Gives the device's memory back. */
  async dispose(): Promise<void> {
    await this.#model.runner.dispose();
  }
}
