/** `omma train`: runs a config's training and says how it went. Ctrl-C ends it after the step, with a checkpoint; twice, at once. */

import { trainElastic } from '@omma/engine';
import pc from 'picocolors';
import { type ConfigOptions, configFrom } from '../run/config.ts';
import { interruptedCode, listenForInterrupt } from '../run/interrupt.ts';
import { rankFromEnvironment } from '../run/rank.ts';
import { formatDuration } from '../terminal/format.ts';
import { isTold, trainingReport, warningReport } from '../terminal/trainingReport.ts';

export interface TrainOptions extends ConfigOptions {
  readonly resume?: boolean | string;
  readonly check?: boolean;
}

/** Milliseconds for the error message to get out. */
const leaveAfter = 2000;

export async function train(file: string, options: TrainOptions): Promise<void> {
  const config = await configFrom(file, options);
  if (options.check === true) return (await import('./trainCheck.ts')).trainCheck(config, options);
  const interrupt = listenForInterrupt(
    'interrupted: saving a checkpoint (a second signal, or Ctrl-C again, leaves without)',
  );
  // With --json, stdout is for the result alone.
  const output = options.json === true ? process.stderr : process.stdout;
  const distributed = rankFromEnvironment();
  try {
    const { end, isMain } = await trainElastic(config, {
      listenerOf: (main) => (main ? trainingReport : warningReport)(output, config),
      signal: interrupt.signal,
      ...(options.resume === undefined ? {} : { resume: options.resume }),
      distributed,
    });
    if (end.reason === 'interrupted') process.exitCode = interruptedCode;
    if (!isMain) return;
    if (options.json === true) process.stdout.write(`${JSON.stringify(end)}\n`);
    else if (isTold('info', config)) {
      const how = end.reason === 'interrupted' ? pc.yellow('interrupted') : pc.green(end.reason);
      output.write(`${how} after ${formatDuration(end.seconds)}\n`);
      const checkpoint = end.bestCheckpoint ?? end.lastCheckpoint;
      if (checkpoint !== null) output.write(`checkpoint ${checkpoint}\n`);
    }
  } finally {
    interrupt.release();
    if (distributed !== null) leaveSoon();
  }
}

/** When a rank is gone the device may still wait for it, in a thread that keeps the process alive: it ends all the same. A process that is done is gone by then. */
function leaveSoon(): void {
  setTimeout(() => process.exit(), leaveAfter).unref();
}
