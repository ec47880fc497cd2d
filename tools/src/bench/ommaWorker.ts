/** Our side of a job: a program that the benchmark starts with the job as its argument. */

import '@omma/cpu';
import '@omma/onnx';
import {
  type CompiledFunction,
  compile,
  device,
  gradients,
  type HostTensor,
  hostTensor,
  type Tensor,
} from '@omma/core';
import { initialize, SGD } from '@omma/nn';
import { type Job, parseJob } from './job.ts';
import { buildNetwork, classes } from './network.ts';
import { type Prepared, serve } from './serve.ts';
import { SessionError } from './session.ts';

type Inputs = Readonly<Record<string, HostTensor>>;

await serve(() => prepare(parseJob(process.argv[2])));

async function prepare(job: Job): Promise<Prepared> {
  // Only where it is wanted: its FFI would count in the memory of the others.
  const ascend = job.device.startsWith('ascend') ? await import('@omma/ascend') : null;
  const on = device(job.device);
  if (job.dtype === 'bfloat16' && !on.capabilities.mixedPrecision.includes('bfloat16')) {
    const text = `no native bfloat16 on this processor (${on.capabilities.description})`;
    throw new SessionError({ kind: 'unsupported', text });
  }
  const inputs = inputsOf(job);
  const model = buildNetwork(job.model);
  await initialize(model, 0);
  const options = { device: on, name: job.model, ...(job.dtype === 'bfloat16' ? { amp: job.dtype } : {}) };
  const begin = performance.now();
  const run = job.kind === 'train' ? trainingStep(model, job, options) : inference(model, options);
  const executable = await run.prepare(inputs);
  const prepareMs = performance.now() - begin;
  const parts =
    ascend !== null && executable instanceof ascend.AscendExecutable ? { ...executable.times } : {};
  const detail = job.recompute === false ? 'the peer keeps all activations' : '';
  return { label: `Omma on ${on.name}`, detail, prepareMs, parts, step: () => run(inputs) };
}

type Network = ReturnType<typeof buildNetwork>;
type Options = Parameters<typeof compile>[1];

/** Forward, cross-entropy, backward, SGD with momentum and weight decay: one graph. */
function trainingStep(model: Network, { recompute = false }: Job, options: Options): CompiledFunction {
  const parameters = model.namedParameters();
  const blocks = model
    .namedModules()
    .flatMap(([path]) => (/^backbone\.layer\d\.\d+$/.test(path) ? [path] : []));
  const optimizer = new SGD({ momentum: 0.9, weightDecay: 1e-4 });
  return compile((inputs) => {
    const { loss } = model.loss(inputs);
    const slopes = gradients(
      loss,
      parameters.map(([, parameter]) => parameter.read()),
      { recompute: recompute ? blocks : [] },
    );
    optimizer.step(parameters, slopes, required(inputs.lr));
    return { loss };
  }, options);
}

function inference(model: Network, options: Options): CompiledFunction {
  model.eval();
  return compile((inputs) => ({ logits: model.call(required(inputs.image)) }), options);
}

function inputsOf({ kind, batch, size }: Job): Inputs {
  const image = hostTensor([batch, 3, size, size], 'float32', noise(batch * 3 * size * size));
  if (kind === 'infer') return { image };
  const label = hostTensor(
    [batch],
    'int32',
    Int32Array.from({ length: batch }, (_, i) => (i * 37) % classes),
  );
  return { image, label, lr: hostTensor([], 'float32', Float32Array.of(0.01)) };
}

/** Numbers between -1 and 1; which ones does not matter, but not zeros. */
function noise(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 2654435761) % 65536) / 32768 - 1);
}

function required(tensor: Tensor | undefined): Tensor {
  if (tensor === undefined) throw new Error('bench: an input is missing');
  return tensor;
}
