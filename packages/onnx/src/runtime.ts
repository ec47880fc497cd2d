/** Runs an ONNX model with ONNX Runtime as it is, weights inside: to prove an export, and to use it from Node. */

import { type DType, type HostTensor, hostTensor, OmmaError } from '@omma/core';
import type { RuntimeTensor } from './device/provider.ts';
import { arrayOf, tensorOf } from './device/tensors.ts';
import { fromElements } from './elementArray.ts';
import { type NodeRuntime, requireNodeRuntime } from './nodeRuntime.ts';

const dtypes: Readonly<Record<string, DType>> = {
  float32: 'float32',
  float16: 'float16',
  int32: 'int32',
  uint32: 'uint32',
  uint8: 'uint8',
  bool: 'bool',
};

export interface OnnxModel {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Runs once: tensors by name in, tensors by name out. */
  run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  dispose(): Promise<void>;
}

/** Opens a model from its bytes, on ONNX Runtime's CPU provider. */
export async function openOnnx(
  bytes: Uint8Array,
  options: { readonly threads?: number } = {},
): Promise<OnnxModel> {
  const runtime = requireNodeRuntime();
  const session = await runtime.InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
  });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: async (inputs) => {
      const feeds: Record<string, RuntimeTensor> = {};
      for (const [name, tensor] of Object.entries(inputs)) feeds[name] = toRuntime(runtime, name, tensor);
      const results = Object.entries(await session.run(feeds));
      return Object.fromEntries(
        await Promise.all(
          results.map(async ([name, value]) => [name, await fromRuntime(name, value)] as const),
        ),
      );
    },
    dispose: () => session.release(),
  };
}

function toRuntime(runtime: NodeRuntime, name: string, { dtype, shape, data }: HostTensor): RuntimeTensor {
  if (dtype === 'bfloat16')
    throw new OmmaError(`onnxruntime: input ${name} is bfloat16, which its CPU provider does not take`);
  return tensorOf(runtime, data, dtype, shape);
}

async function fromRuntime(name: string, tensor: RuntimeTensor): Promise<HostTensor> {
  const dtype = dtypes[tensor.type];
  if (dtype === undefined)
    throw new OmmaError(`onnxruntime: output ${name} has type ${tensor.type}, which Omma does not use`);
  return hostTensor(tensor.dims, dtype, fromElements(await arrayOf(tensor, dtype), dtype, dtype));
}
