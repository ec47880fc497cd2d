/** A checkpoint on its way to or from a file, where hooks may still change it. */

import type { HostTensor } from '@omma/core';
import type { ManifestContent } from './checkpoint.ts';
import type { Manifest } from './manifest.ts';

/** About to be written. */
export interface CheckpointDraft {
  readonly tensors: Map<string, HostTensor>;
  readonly content: ManifestContent;
}

/** Read, and about to be put into the run's variables. */
export interface LoadedState {
  readonly path: string;
  readonly tensors: Map<string, HostTensor>;
  readonly manifest: Manifest;
}
