/** Which checkpoint a run goes on from. */

import { type Checkpoint, loadCheckpoint } from '../checkpoint/checkpoint.ts';
import { listCheckpoints, newestCheckpoint } from '../checkpoint/folder.ts';

/**
 * The newest whole checkpoint in `workDir` (true), or the one named; null for a run from the beginning, with a warning where that may not be what
 * was meant.
 */
export async function resumedCheckpoint(
  resume: boolean | string,
  workDir: string,
  warn: (message: string) => void,
): Promise<Checkpoint | null> {
  if (typeof resume === 'string') return loadCheckpoint(resume);
  if (resume) {
    const newest = await newestCheckpoint(workDir, warn);
    if (newest === null)
      warn(`${workDir} has no checkpoint to resume from; training starts from the beginning`);
    return newest;
  }
  if ((await listCheckpoints(workDir)).length > 0) {
    warn(
      `${workDir} holds checkpoints of an earlier run, which this one replaces; --resume goes on with it, another --work-dir keeps it`,
    );
  }
  return null;
}
