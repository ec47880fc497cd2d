/** The run that is watched, from its pictures to its end, in a folder that is gone afterwards. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConfig, type EndEvent, Runner } from '@omma/engine';
import { type SoakOptions, soakConfig } from './config.ts';
import type { MemoryWatch } from './memoryWatch.ts';
import { writePictures } from './pictures.ts';

export async function soak(options: SoakOptions, watch: MemoryWatch): Promise<EndEvent> {
  const folder = await mkdtemp(join(tmpdir(), 'omma-soak-'));
  try {
    const pictures = join(folder, 'pictures');
    await writePictures(pictures);
    const config = checkConfig(soakConfig(pictures, join(folder, 'run'), options));
    const runner = await Runner.create(config, { hooks: [watch] });
    try {
      return await runner.train();
    } finally {
      await runner.dispose();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
