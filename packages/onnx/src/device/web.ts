/**
 * The device in a browser: ONNX Runtime from onnxruntime-web, an optional peer. Entry point `@omma/onnx/web`; nothing here or below
 * it needs Node.
 *
 * `onnx` computes in WebAssembly and runs everywhere. `onnx:webgpu` computes on the graphics processor, keeps state there from step to
 * step, and is an experiment. Where the bundler puts the runtime's `.wasm` files is told to onnxruntime-web itself (`env.wasm.wasmPaths`).
 */

import { type Device, DeviceError, registerDevice } from '@omma/core';
import { OnnxDevice } from './device.ts';
import type { Runtime } from './provider.ts';

/** An execution provider of onnxruntime-web. */
export type WebProvider = 'wasm' | 'webgpu';

const names: Readonly<Record<WebProvider, string>> = { wasm: 'onnx', webgpu: 'onnx:webgpu' };

/** Browsers and Node 21 have it; the types of neither are part of this package. */
declare const navigator: { readonly gpu?: object } | undefined;

function available(provider: WebProvider): true | string {
  if (provider === 'wasm' || (typeof navigator === 'object' && navigator.gpu !== undefined)) return true;
  return 'this browser has no WebGPU; use the device onnx';
}

/** A device of its own, beside the one that `device('onnx')` opens. Throws DeviceError where the provider cannot be used. */
export function createOnnxDevice(provider: WebProvider = 'wasm'): Device {
  const device = names[provider];
  const usable = available(provider);
  if (usable !== true) throw new DeviceError(`device ${device}: ${usable}`);
  return new OnnxDevice({
    device,
    description: `ONNX Runtime Web, ${provider === 'wasm' ? 'WebAssembly' : 'WebGPU'}`,
    state: provider === 'wasm' ? 'cpu' : 'gpu-buffer',
    mergesPictures: false,
    options: { executionProviders: [provider], logSeverityLevel: 4 },
    load: () => loadRuntime(device),
    profiler: null,
  });
}

/** Imported when first needed, so that a page that only exports models does not load it. */
async function loadRuntime(device: string): Promise<Runtime> {
  try {
    return await import('onnxruntime-web');
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new DeviceError(
      `device ${device}: onnxruntime-web cannot be loaded (${reason}); install it with: npm install onnxruntime-web`,
    );
  }
}

for (const provider of ['wasm', 'webgpu'] as const) {
  registerDevice({
    name: names[provider],
    // WebGPU only by name: ONNX Runtime Web 1.30 gave wrong numbers for a training step there (see the README).
    priority: provider === 'wasm' ? 50 : -1,
    available: () => available(provider),
    create: () => createOnnxDevice(provider),
  });
}
