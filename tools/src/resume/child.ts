/**
 * The process that is killed: `node child.js WORK_DIR WORKERS [MILLISECONDS]`. Goes on with the run in the work directory. Prints `step N` after every
 * step, `writing` whenever a file is being written, which takes so many milliseconds longer then, and `done` at the end.
 */

import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import '@omma/classification';
import '@omma/cpu';
import { checkConfig, Runner } from '@omma/engine';
import './noise.ts';
import { killedConfig } from './config.ts';

const [workDir = '', workers = '0', delay = '0'] = process.argv.slice(2);
if (Number(delay) > 0) await slowWrites(Number(delay));
const runner = await Runner.create(checkConfig(killedConfig(workDir, Number(workers))), {
  resume: true,
  onEvent: (event) => {
    if (event.type === 'iteration') process.stdout.write(`step ${event.iteration}\n`);
  },
});
await runner.train();
await runner.dispose();
process.stdout.write('done\n');

/** Every write to a file handle, and every sync before a rename, is announced and takes longer: a kill can fall in between for sure. */
async function slowWrites(milliseconds: number): Promise<void> {
  const handle = await open(process.execPath);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  for (const name of ['write', 'sync']) {
    const original = prototype[name];
    prototype[name] = async function slow(...args: unknown[]) {
      process.stdout.write('writing\n');
      await sleep(milliseconds);
      return original.apply(this, args);
    };
  }
}
