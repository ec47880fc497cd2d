/**
 * What data sets look like from the engine, told again in the terms of this package: cv stands below the engine and cannot import
 * its interface, but satisfies it.
 */

import type { DType, HostArray, HostTensor, Shape } from '@omma/core';

/** Where a sample is asked for: the random numbers of augmentation depend on these and on the index alone. */
export interface ImageContext {
  readonly seed: number;
  readonly epoch: number;
  /** Which time the sample comes in this epoch; 0 unless given. */
  readonly repeat?: number;
  /** An array for a tensor of the sample, at its place in the batch, when there is one. */
  readonly allocate?: (name: string, dtype: DType, shape: Shape) => HostArray;
}

export interface ImageSample {
  readonly tensors: {
    /** uint8 [height, width, channels] */
    readonly image: HostTensor;
    /** int32 [] */
    readonly label: HostTensor;
  };
}

export interface ImageDataset {
  readonly length: number;
  /** Class names, in the order of their labels. */
  readonly classes: readonly string[];
  load(index: number, context: ImageContext): Promise<ImageSample>;
  nameOf(index: number): string;
  /** The label of a sample, without decoding it. */
  labelOf(index: number): number;
  /** Width / height of a picture, without decoding it; undefined where that is not known. */
  aspectRatioOf?(index: number): number | undefined;
  /** What is wrong with the file of a sample at first sight; null if nothing is. */
  problemOf?(index: number): string | null;
  /** How a worker thread opens the same data set. */
  source?(): ImageSource;
}

/** A data set as it travels to a worker thread: `module` exports the function `name`, which opens it with `options`, after `imports` have been imported. */
export interface ImageSource {
  readonly module: string;
  readonly name: string;
  readonly options: unknown;
  readonly imports?: readonly string[];
}
