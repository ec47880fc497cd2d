/** One rank under mpirun: prints, as a line of JSON, what reductions by MPI make of NaN and of parts. Node 20 reads no TypeScript, so jiti does. */

import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const source = (name) => fileURLToPath(new URL(`../../../${name}/src/index.ts`, import.meta.url));
const jiti = createJiti(import.meta.url, { alias: { '@omma/core': source('core') } });
const { joinMpi } = await jiti.import('../../src/index.ts');
const host = await joinMpi();
const given = () => (host.rank === 0 ? [Number.NaN, 1, 2] : [1, Number.NaN, 3]);
const reduced = {};
for (const op of ['max', 'min']) {
  reduced[op] = [...(await host.allReduce(Float32Array.from(given()), 'float32', op))].map(String);
}
const own = Int32Array.of(10 * host.rank, 10 * host.rank + 1);
reduced.scattered = [...(await host.reduceScatter(own, 'int32', 'sum'))];
reduced.rank = host.rank;
process.stdout.write(`${JSON.stringify(reduced)}\n`);
await host.dispose();
