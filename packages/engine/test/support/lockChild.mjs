/** Holds the lock of a work directory until it is killed: `node lockChild.mjs WORK_DIR BEAT`. Prints `taken` when it has it. */

import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const source = (name) => fileURLToPath(new URL(`../../../${name}/src/index.ts`, import.meta.url));
const alias = Object.fromEntries(['core', 'storage'].map((name) => [`@omma/${name}`, source(name)]));
const { WorkDirLock } = await createJiti(import.meta.url, { alias }).import(
  '../../src/runner/workDirLock.ts',
);

const [workDir, beat] = process.argv.slice(2);
await WorkDirLock.take(workDir, { beat: Number(beat) });
process.stdout.write('taken\n');
createInterface({ input: process.stdin });
