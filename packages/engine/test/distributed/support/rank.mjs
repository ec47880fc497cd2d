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
const { distributedEnvironment, Runner } = await jiti.import('../../../src/index.ts');
const { plainConfig } = await jiti.import('./plain.ts');

const [workDir, device, batchSize, amp = 'off'] = process.argv.slice(2);
await jiti.import(device.startsWith('ascend') ? '@omma/ascend' : '@omma/cpu');
const config = plainConfig(workDir, Number(batchSize));
const losses = [];
try {
  const runner = await Runner.create(
    {
      ...config,
      device,
      optimWrapper: { ...config.optimWrapper, amp },
      defaultHooks: { checkpoint: { intervalIterations: 2 } },
      trainConfig: { maxEpochs: Number(process.env.OMMA_TEST_EPOCHS ?? 3), valInterval: 3 },
    },
    {
      distributed: distributedEnvironment(process.env),
      onEvent: (event) => {
        if (event.type === 'iteration') losses.push(event.loss);
      },
    },
  );
  try {
    const end = await runner.train();
    process.stdout.write(
      `${JSON.stringify({ losses, metrics: end.metrics, name: runner.distributed?.communicator.name ?? null })}\n`,
    );
  } finally {
    await runner.dispose();
  }
} catch (error) {
  process.stderr.write(`${error.name}: ${error.message}\n`);
  process.exit(1);
}
