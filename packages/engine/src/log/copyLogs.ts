/** Copies of a run's logs for the folder where logs are collected: what LoggerHook's `out_dir` is in MMEngine. */

import { cp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OmmaError } from '@omma/core';
import { codeOf, makeFolder } from '@omma/storage';
import { visDataDir } from './backend.ts';
import { configName, logName } from './local.ts';

/** Copies log, config and what other log backends have written from a work directory to the folder `to`, which is made. */
export async function copyLogs(workDir: string, to: string): Promise<void> {
  try {
    await makeFolder(to);
    for (const [from, name] of [
      [join(workDir, logName), logName],
      [join(workDir, configName), configName],
      [visDataDir(workDir), 'vis_data'],
    ] as const) {
      if ((await stat(from).catch(() => null)) === null) continue;
      await cp(from, join(to, name), { recursive: true });
    }
  } catch (error) {
    throw new OmmaError(
      `${to}: cannot copy the logs (${codeOf(error) ?? String(error)}); they are in ${workDir}; correct defaultHooks.logger.outDir`,
    );
  }
}
