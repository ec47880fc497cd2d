/** ONNX Runtime's side of an inference job: the same network, exported by @omma/onnx and run by onnxruntime-node. */

import { type HostTensor, hostTensor, OmmaError, trace } from '@omma/core';
import { initialize } from '@omma/nn';
import { exportOnnx, openOnnx } from '@omma/onnx';
import { type Job, parseJob } from './job.ts';
import { buildNetwork } from './network.ts';
import { type Prepared, serve } from './serve.ts';
import { SessionError } from './session.ts';

await serve(() => prepare(parseJob(process.argv[2])));

async function prepare(job: Job): Promise<Prepared> {
  const bytes = await exported(job);
  const shape = [job.batch, 3, job.size, job.size];
  const pixels = new Float32Array(job.batch * 3 * job.size * job.size).map((_, i) => (i % 255) / 127 - 1);
  const image = hostTensor(shape, 'float32', pixels);
  const version = await runtimeVersion();
  const model = await openOnnx(bytes, { threads: job.threads });
  return {
    label: `ONNX Runtime ${version}`,
    detail: 'float32',
    prepareMs: null,
    step: () => model.run({ image }),
  };
}

async function exported(job: Job): Promise<Uint8Array> {
  const model = buildNetwork(job.model).eval();
  await initialize(model, 0);
  const image = { shape: [job.batch, 3, job.size, job.size], dtype: 'float32' } as const;
  const graph = trace(
    ({ image: pictures }) => {
      if (pictures === undefined) throw new Error('bench: an input is missing');
      return { logits: model.call(pictures) };
    },
    { image },
  );
  const weights: Record<string, HostTensor> = {};
  for (const [name, variable] of [...model.namedParameters(), ...model.namedBuffers()]) {
    weights[name] = await variable.download();
  }
  return exportOnnx(graph, { weights });
}

async function runtimeVersion(): Promise<string> {
  try {
    const { env } = await import('onnxruntime-node');
    return env.versions.node ?? '';
  } catch (error) {
    if (error instanceof OmmaError) throw error;
    throw new SessionError({ kind: 'missing', text: 'onnxruntime-node cannot be loaded; run npm run setup' });
  }
}
