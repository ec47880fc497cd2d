/**
 * A training run in a process of its own, for tests that kill it: `node child.mjs WORK_DIR DEVICE [MILLISECONDS]`. Prints a line an iteration and `done` at the
 * end; `writing` before a file that is complete gets its name, which takes so many milliseconds longer then. The sources are TypeScript, which Node 20 does not
 * read, so jiti does.
 */

import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const source = (name) => fileURLToPath(new URL(`../../../${name}/src/index.ts`, import.meta.url));
const alias = Object.fromEntries(
  ['core', 'nn', 'engine', 'collectives', 'cpu'].map((name) => [`@omma/${name}`, source(name)]),
);
const jiti = createJiti(import.meta.url, { alias });
const { Runner } = await jiti.import('../../src/index.ts');
const { tinyConfig } = await jiti.import('./tiny.ts');

const [workDir, device, delay = '0'] = process.argv.slice(2);
if (delay !== '0') {
  const handle = await open(fileURLToPath(import.meta.url));
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const { sync } = prototype;
  prototype.sync = async function slowSync() {
    process.stdout.write('writing\n');
    await sleep(Number(delay));
    return sync.call(this);
  };
}
if (device === 'cpu') await jiti.import('@omma/cpu');
const config = {
  ...tinyConfig(workDir),
  device,
  trainConfig: { maxEpochs: 6, valInterval: 2 },
  optimWrapper: { optimizer: { type: 'AdamW', lr: 0.01 }, accumulativeCounts: 5, amp: 'bfloat16' },
  customHooks: [{ type: 'EMAHook', emaType: 'MomentumAnnealingEMA', updateBuffers: true }],
  defaultHooks: { checkpoint: { intervalIterations: 3 } },
};
const runner = await Runner.create(config, {
  resume: true,
  onEvent: (event) => event.type === 'iteration' && process.stdout.write(`${event.iteration}\n`),
});
await runner.train();
process.stdout.write('done\n');
