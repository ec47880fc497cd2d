/**
 * What data sets look like from the engine, told again in the terms of this package: cv stands below the engine and cannot import
 * its interface, but satisfies it.
 */

import type { HostTensor } from '@omma/core';

/** Where a sample is asked for: the random numbers of augmentation depend on these and on the index alone. */
export interface ImageContext {
  readonly seed: number;
  readonly epoch: number;
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
}
