/**
 * A program that trains a tiny model on the device `ascend`, for tests that need a process of their own: faults are read once a process, and a
 * process must end by itself. Prints one JSON line; an error as the command line would print it, with exit code 1.
 *
 *   node train.mjs STEPS [LOADS]     after the steps, compiles, runs and disposes of the step LOADS times
 */
import { compile, conv2d, device, gradients, hostTensor, mul, relu, sub, sum, Variable } from '@omma/core';
import '@omma/ascend';

const steps = Number(process.argv[2]);
const loads = Number(process.argv[3] ?? 0);
const w = new Variable('w', { shape: [4, 3, 3, 3], dtype: 'float32' }, new Float32Array(108).fill(0.1));
const x = hostTensor([2, 3, 8, 8], 'float32', new Float32Array(384).fill(0.5));

function makeStep() {
  return compile(
    ({ image }) => {
      const loss = sum(relu(conv2d(image, w.read(), null, { padding: 1 })));
      const [gradient] = gradients(loss, [w.read()]);
      w.write(sub(w.read(), mul(gradient, 1e-4)));
      return { loss };
    },
    { device: device('ascend'), name: 'step' },
  );
}

try {
  const step = makeStep();
  const losses = [];
  let error = null;
  for (let i = 0; i < steps && error === null; i++) {
    try {
      losses.push((await step({ image: x })).loss.data[0]);
    } catch (problem) {
      error = problem;
    }
  }
  for (let i = 0; i < loads; i++) {
    const short = makeStep();
    await short({ image: x });
    short.dispose();
  }
  const weight = await w.download().then(
    ({ data }) => data[0],
    (problem) => problem.message,
  );
  console.log(JSON.stringify({ losses, weight, error: error?.message ?? null }));
  if (error !== null) throw error;
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
