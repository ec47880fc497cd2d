/** Which checkpoint a run goes on from. */

import { type Checkpoint, loadCheckpoint } from '../checkpoint/checkpoint.ts';
import { listCheckpoints, newestCheckpoint } from '../checkpoint/folder.ts';
import type { CheckpointPlace } from '../hooks/checkpointPlace.ts';

/**
 * The newest whole checkpoint of the run at `place` (true), or the one named; null for a run from the beginning, with a warning where that may not be what
 * was meant.
 */
export async function resumedCheckpoint(
  resume: boolean | string,
  { directory, template }: CheckpointPlace,
  warn: (message: string) => void,
): Promise<Checkpoint | null> {
  if (typeof resume === 'string') return loadCheckpoint(resume);
  if (resume) {
    const newest = await newestCheckpoint(directory, warn, template);
    if (newest === null)
      warn(`${directory} has no checkpoint to resume from; training starts from the beginning`);
    return newest;
  }
  if ((await listCheckpoints(directory, template)).length > 0) {
    warn(
      `${directory} holds checkpoints of an earlier run, which this one replaces; --resume goes on with it, another --work-dir keeps it`,
    );
  }
  return null;
}
