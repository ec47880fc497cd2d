/**
 * Runs an ONNX model with ONNX Runtime, to prove an export and to use it from Node.
 *
 * onnxruntime-node is an optional peer, because it weighs 300 MB: it is imported when first needed and its absence is explained.
 */

import { type DType, type HostArray, type HostTensor, hostTensor, OmmaError } from '@omma/core';
import type * as Runtime from 'onnxruntime-node';

const elementTypes: Readonly<Record<string, DType>> = {
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
  const runtime = await loadRuntime();
  const session = await runtime.InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
  });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: async (inputs) => {
      const feeds: Record<string, Runtime.Tensor> = {};
      for (const [name, tensor] of Object.entries(inputs)) feeds[name] = toRuntime(runtime, name, tensor);
      const results = await session.run(feeds);
      return Object.fromEntries(
        Object.entries(results).map(([name, value]) => [name, fromRuntime(name, value)]),
      );
    },
    dispose: () => session.release(),
  };
}

async function loadRuntime(): Promise<typeof Runtime> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new OmmaError(
      `onnxruntime-node is needed to run an ONNX model and could not be loaded (${reason}); ` +
        'install it with: npm install onnxruntime-node --onnxruntime-node-install=skip',
    );
  }
}

function toRuntime(
  runtime: typeof Runtime,
  name: string,
  { dtype, shape, data }: HostTensor,
): Runtime.Tensor {
  if (dtype === 'bfloat16')
    throw new OmmaError(`onnxruntime: input ${name} is bfloat16, which its CPU provider does not take`);
  return new runtime.Tensor(dtype, data, shape);
}

function fromRuntime(name: string, tensor: Runtime.OnnxValue): HostTensor {
  if (!('dims' in tensor)) throw new OmmaError(`onnxruntime: output ${name} is not a tensor`);
  const dtype = elementTypes[tensor.type];
  if (dtype === undefined || !isHostArray(tensor.data)) {
    throw new OmmaError(`onnxruntime: output ${name} has type ${tensor.type}, which Omma does not use`);
  }
  return hostTensor(tensor.dims, dtype, tensor.data);
}

function isHostArray(data: Runtime.Tensor['data']): data is HostArray {
  return (
    data instanceof Float32Array ||
    data instanceof Uint16Array ||
    data instanceof Int32Array ||
    data instanceof Uint32Array ||
    data instanceof Uint8Array
  );
}
