/**
 * One rank in a process of its own, for tests of the simulated HCCL: `node rank.mjs SCENARIO RANK SIZE FOLDER`. Prints what the scenario gives as one line of
 * JSON. The sources are TypeScript, which Node 20 does not read, so jiti does.
 */

import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const core = fileURLToPath(new URL('../../../../core/src/index.ts', import.meta.url));
const jiti = createJiti(import.meta.url, { alias: { '@omma/core': core } });
const { runScenario } = await jiti.import('./scenarios.ts');

const [scenario, rank, size, folder] = process.argv.slice(2);
const result = await runScenario(scenario, Number(rank), Number(size), folder);
process.stdout.write(`${JSON.stringify(result)}\n`);
// The library's threads may still wait for a rank that never comes.
process.exit(0);
