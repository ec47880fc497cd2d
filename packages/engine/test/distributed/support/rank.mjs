/**
 * One rank of a training run in a process of its own: `node rank.mjs WORK_DIR DEVICE BATCH_SIZE [AMP]`, with torchrun's variables where there are several.
 * Prints the losses as one line of JSON; an error of the run on standard error, with exit code 1. The sources are TypeScript, which Node 20 does not
 * read, so jiti does.
 */

import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const source = (name) => fileURLToPath(new URL(`../../../../${name}/src/index.ts`, import.meta.url));
const alias = Object.fromEntries(
  ['core', 'nn', 'engine', 'collectives', 'cpu', 'onnx', 'ascend'].map((name) => [
    `@omma/${name}`,
    source(name),
  ]),
);
const jiti = createJiti(import.meta.url, { alias });
const { distributedEnvironment, trainElastic } = await jiti.import('../../../src/index.ts');
const { plainConfig } = await jiti.import('./plain.ts');

const [workDir, device, batchSize, amp = 'off'] = process.argv.slice(2);
await jiti.import(`@omma/${device}`);
const config = plainConfig(workDir, Number(batchSize));
const losses = [];
const messages = [];
let name = null;
// mpirun sends it to those that are left, which say then what they have noticed; the command line takes it for Ctrl-C.
if (process.env.OMPI_COMM_WORLD_SIZE !== undefined) process.on('SIGTERM', () => undefined);
const sync = process.env.OMMA_TEST_SYNC_BN === '1';
try {
  const { end } = await trainElastic(
    {
      ...config,
      ...(sync ? { model: { ...config.model, norm: 'batch' }, syncBn: true } : {}),
      device,
      optimWrapper: { ...config.optimWrapper, amp },
      defaultHooks: { checkpoint: { intervalIterations: 2 } },
      trainConfig: { maxEpochs: Number(process.env.OMMA_TEST_EPOCHS ?? 3), valInterval: 3 },
    },
    {
      distributed: distributedEnvironment(process.env),
      resume: process.env.OMMA_TEST_RESUME === '1',
      listenerOf: () => (event) => {
        if (event.type === 'start') name = event.communicator;
        if (event.type === 'iteration') losses.push(event.loss);
        if (event.type === 'warning' || event.type === 'notice') messages.push(event.message);
      },
    },
  );
  process.stdout.write(`${JSON.stringify({ losses, metrics: end.metrics, name, messages })}\n`);
} catch (error) {
  process.stderr.write(`${error.name}: ${error.message}\n`);
  process.exit(1);
}
// What a lost rank has left waiting must not keep the process.
process.exit(0);
