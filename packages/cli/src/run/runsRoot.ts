/** Where a command about runs looks for them. */

import { stat } from 'node:fs/promises';

/** The folder to search: as given, or `work_dirs`, or here when this is a run. */
export async function rootOf(dir: string | undefined): Promise<string> {
  if (dir !== undefined) return dir;
  const here = await stat('log.jsonl').then(
    () => true,
    () => false,
  );
  return here ? '.' : 'work_dirs';
}
