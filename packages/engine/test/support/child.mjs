/**
 * A training run in a process of its own, for tests that kill it: `node child.mjs WORK_DIR DEVICE`. Prints a line an iteration and `done` at the end. The sources
 * are TypeScript, which Node 20 does not read, so jiti does.
 */

import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const source = (name) => fileURLToPath(new URL(`../../../${name}/src/index.ts`, import.meta.url));
const alias = Object.fromEntries(
  ['core', 'nn', 'engine', 'collectives', 'cpu'].map((name) => [`@omma/${name}`, source(name)]),
);
const jiti = createJiti(import.meta.url, { alias });
const { Runner } = await jiti.import('../../src/index.ts');
const { tinyConfig } = await jiti.import('./tiny.ts');

const [workDir, device] = process.argv.slice(2);
if (device === 'cpu') await jiti.import('@omma/cpu');
const config = {
  ...tinyConfig(workDir),
  device,
  trainConfig: { maxEpochs: 6, valInterval: 2 },
  defaultHooks: { checkpoint: { intervalIterations: 3 } },
};
const runner = await Runner.create(config, {
  resume: true,
  onEvent: (event) => event.type === 'iteration' && process.stdout.write(`${event.iteration}\n`),
});
await runner.train();
process.stdout.write('done\n');
