/**
 * The device in Node: ONNX Runtime from onnxruntime-node.
 *
 * `onnx` computes on the processor; `auto` takes it where the `cpu` device cannot be built. `onnx:webgpu` and `onnx:cuda` are the
 * runtime's other execution providers; they are used only when they are asked for. With them state travels to the accelerator and
 * back in every step, because onnxruntime-node 1.30 cannot fetch what stays there.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Device, DeviceError, registerDevice, threadCount } from '@omma/core';
import { loadNodeRuntime, type NodeRuntime, requireNodeRuntime } from '../nodeRuntime.ts';
import { OnnxDevice } from './device.ts';
import type { OrtEvent } from './profile.ts';
import type { Profiler, Provider } from './provider.ts';

/** An execution provider of onnxruntime-node. */
export type NodeProvider = 'cpu' | 'webgpu' | 'cuda';

const names: Readonly<Record<NodeProvider, string>> = {
  cpu: 'onnx',
  webgpu: 'onnx:webgpu',
  cuda: 'onnx:cuda',
};

/** True, or why the provider cannot be used with the onnxruntime-node of this machine. */
function available(provider: NodeProvider): true | string {
  const runtime = loadNodeRuntime();
  if (typeof runtime === 'string') return runtime;
  const known = runtime.listSupportedBackends().find(({ name }) => name === provider);
  if (known === undefined) return `onnxruntime-node has no ${provider} provider on this platform`;
  if (known.bundled || existsSync(providerLibrary(provider))) return true;
  return `onnxruntime-node lacks its ${provider} libraries; fetch them with: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild --ignore-scripts=false onnxruntime-node`;
}

/** Where onnxruntime-node's install script puts a provider that is not in the package. */
function providerLibrary(provider: NodeProvider): string {
  const folder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const library = `libonnxruntime_providers_${provider}.so`;
  return join(folder, 'bin', 'napi-v6', process.platform, process.arch, library);
}

/** A device of its own, beside the one that `device('onnx')` opens. Throws DeviceError where the provider cannot be used. */
export function createOnnxDevice(provider: NodeProvider = 'cpu'): Device {
  const name = names[provider];
  const usable = available(provider);
  if (usable !== true) throw new DeviceError(`device ${name}: ${usable}`);
  const runtime = requireNodeRuntime();
  const threads = threadCount(name, process.env.OMMA_NUM_THREADS, availableParallelism());
  return new OnnxDevice(nodeProvider(runtime, provider, name, threads));
}

function nodeProvider(
  runtime: NodeRuntime,
  provider: NodeProvider,
  device: string,
  threads: number,
): Provider {
  const version = runtime.env.versions.node ?? '';
  const place = provider === 'cpu' ? `processor, ${threads} threads` : `${provider} provider`;
  return {
    device,
    description: `ONNX Runtime ${version}, ${place}`,
    state: 'cpu',
    mergesPictures: provider === 'cpu',
    options: {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Whatever fails is thrown as well, and reported once.
      logSeverityLevel: 4,
    },
    load: async () => runtime,
    profiler,
  };
}

/** ONNX Runtime writes its profile into a file whose name it completes itself: one folder a profile. */
function profiler(): Profiler {
  const folder = mkdtempSync(join(tmpdir(), 'omma-onnx-'));
  return {
    options: { enableProfiling: true, profileFilePrefix: join(folder, 'step') },
    read: () => {
      const [file] = readdirSync(folder);
      const events: OrtEvent[] =
        file === undefined ? [] : JSON.parse(readFileSync(join(folder, file), 'utf8'));
      rmSync(folder, { recursive: true });
      return events;
    },
  };
}

/** Below `cpu`, above the reference device; providers that must be asked for by name come last. */
const priorities: Readonly<Record<NodeProvider, number>> = { cpu: 50, webgpu: -1, cuda: -1 };

for (const provider of ['cpu', 'webgpu', 'cuda'] as const) {
  registerDevice({
    name: names[provider],
    priority: priorities[provider],
    available: () => available(provider),
    create: () => createOnnxDevice(provider),
  });
}
