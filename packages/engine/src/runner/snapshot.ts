/** The run as a checkpoint: its numbers and its manifest, as hooks leave them. */

import { saveCheckpoint } from '../checkpoint/checkpoint.ts';
import type { CheckpointDraft } from '../checkpoint/draft.ts';
import type { HookList } from '../hooks/hookList.ts';
import { version } from '../version.ts';
import type { TrainingContext } from './context.ts';
import { downloadAll } from './trainState.ts';

/** Writes the run as it is after the steps that are done. */
export async function saveSnapshot(
  path: string,
  context: TrainingContext,
  hooks: HookList,
  ranks: number,
): Promise<void> {
  await context.drain();
  const { progress, seed, config, loader, inputTypes, state } = context;
  const draft: CheckpointDraft = {
    tensors: new Map(Object.entries(await downloadAll(state.variables()))),
    content: {
      version,
      ...progress,
      samplesPerStep: loader.samplesPerStep,
      ranks,
      seed,
      hooks: hooks.saveState(path),
      // JSON has no other numbers.
      metrics: Object.fromEntries(
        Object.entries(context.metrics()).filter(([, value]) => Number.isFinite(value)),
      ),
      classes: [...loader.dataset.classes],
      inputs: inputTypes,
      config,
    },
  };
  await hooks.each((hook) => hook.beforeSaveCheckpoint?.(context, draft));
  await saveCheckpoint(path, Object.fromEntries(draft.tensors), draft.content);
}
