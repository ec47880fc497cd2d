/** A tensor of a weight file whose numbers stay there until they are asked for. */

import type { HostTensor } from '@omma/core';
import { type FileTensorType, toFileTensor, toHostTensor } from '@omma/nn';

export interface StoredTensor extends FileTensorType {
  /** All numbers in row-major order, little-endian. */
  read(): Promise<Uint8Array>;
}

export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** Called with the bytes that are done and those there are. */
export type ProgressListener = (done: number, total: number) => void;

export function storedTensor(tensor: HostTensor): StoredTensor {
  const { dtype, shape, bytes } = toFileTensor(tensor);
  return { dtype, shape, read: async () => bytes };
}

export async function loadTensor(name: string, tensor: StoredTensor): Promise<HostTensor> {
  const { dtype, shape } = tensor;
  return toHostTensor(name, { dtype, shape, bytes: await tensor.read() });
}
