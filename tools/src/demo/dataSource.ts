/** Where the demo's pictures come from: the user's folder, the flower photos, or its own drawings. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { drawScenes } from './drawnScenes.ts';
import { fetchFlowers } from './flowers.ts';

export interface DataSource {
  readonly root: string;
  /** What the page says about them. */
  readonly title: string;
  readonly credit: string;
}

export async function chooseData(
  folder: string | undefined,
  cache: string,
  say: (line: string) => void,
): Promise<DataSource> {
  if (folder !== undefined) return { root: folder, title: folder, credit: `Pictures from ${folder}.` };
  const known = join(cache, 'flower_photos');
  if (existsSync(known)) return flowers(known);
  say('looking for the TensorFlow flower photos (229 MB) ...');
  const fetched = await fetchFlowers(cache);
  if ('folder' in fetched) return flowers(fetched.folder);
  say(`not to be had: ${fetched.reason}; drawing pictures instead`);
  const root = join(cache, 'drawn-scenes');
  await drawScenes(root);
  return {
    root,
    title: 'drawn scenes',
    credit: 'Pictures drawn by the demo itself: 720 random scenes in six classes.',
  };
}

function flowers(root: string): DataSource {
  return {
    root,
    title: 'TensorFlow flowers',
    credit: 'Photos: the TensorFlow flowers archive, CC BY 2.0; photographers in its LICENSE.txt.',
  };
}
