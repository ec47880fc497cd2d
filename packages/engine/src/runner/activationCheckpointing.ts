/** The config's `activationCheckpointing`: which modules' activations the backward pass computes again (MMEngine's `activation_checkpointing`). */

import { at, type Device, OmmaError, optimizationBarrier, trace } from '@omma/core';
import type { TrainableModel } from './model.ts';
import { checkModulePath } from './modulePath.ts';

/** Module paths of the model, as a list without doubles. OmmaError for one that is not there, or within another. */
export function checkpointedModules(model: TrainableModel, paths: readonly string[]): readonly string[] {
  const wanted = [...new Set(paths)];
  for (const path of wanted) {
    checkModulePath(model, path, 'activationCheckpointing');
    const outer = wanted.find((other) => path.startsWith(`${other}.`));
    if (outer !== undefined)
      throw new OmmaError(`activationCheckpointing: ${path} is part of ${outer}; leave one of them out`);
  }
  return wanted;
}

/** What to tell a user whose device leaves the list without effect; null where it has one. */
export function withoutRecomputation(device: Device): string | null {
  const graph = trace(({ x }) => (x === undefined ? {} : { y: optimizationBarrier(x) }), {
    x: { shape: [1], dtype: 'float32' },
  });
  if (device.supports(at(graph.nodes, 0), graph) === true) return null;
  return `activationCheckpointing: device ${device.name} plans its memory itself and computes nothing twice, so the list has no effect there`;
}
