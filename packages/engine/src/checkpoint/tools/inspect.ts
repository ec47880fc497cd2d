/** What a file of weights holds, as data: for a table or for a program. */

import { fileTensorBytes } from '@omma/nn';
import type { Manifest } from '../manifest.ts';
import type { ProgressListener } from '../storedTensor.ts';
import { openWeightFile } from '../weightFile.ts';
import type { WeightSourceOptions } from '../weightSource.ts';
import { type TensorStatistics, tensorStatistics } from './statistics.ts';

export interface InspectedTensor {
  readonly name: string;
  readonly part: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Null where the numbers were not asked for. */
  readonly statistics: TensorStatistics | null;
}

export interface Inspection {
  readonly path: string;
  readonly format: string;
  readonly bytes: number;
  /** `none`: the file has no checksum; `crc32`: each tensor was held against PyTorch's. */
  readonly checksum: 'verified' | 'crc32' | 'none' | 'not read';
  readonly manifest: Manifest | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tensors: readonly InspectedTensor[];
}

export interface InspectOptions extends WeightSourceOptions {
  /** Reads every number, for statistics and the checksum. Without, of a server's file only the parts with names and shapes are asked for. */
  readonly numbers: boolean;
  readonly onProgress?: ProgressListener;
}

export async function inspectWeights(
  path: string,
  { numbers, onProgress = () => {}, ...options }: InspectOptions,
): Promise<Inspection> {
  const file = await openWeightFile(path, { ...options, ranges: !numbers });
  try {
    const verified = numbers && (await file.verify());
    const total = [...file.tensors.values()].reduce((sum, tensor) => sum + fileTensorBytes(tensor), 0);
    let done = 0;
    const tensors: InspectedTensor[] = [];
    for (const [name, tensor] of file.tensors) {
      const statistics = numbers ? tensorStatistics(tensor, await tensor.read()) : null;
      const bytes = fileTensorBytes(tensor);
      done += bytes;
      onProgress(done, total);
      tensors.push({
        name,
        part: file.partOf(name),
        dtype: tensor.dtype,
        shape: tensor.shape,
        bytes,
        statistics,
      });
    }
    const { format, size, manifest, metadata, crc32 } = file;
    const checked = verified ? 'verified' : crc32 ? 'crc32' : 'none';
    return {
      path,
      format,
      bytes: size,
      checksum: numbers ? checked : 'not read',
      manifest,
      metadata,
      tensors,
    };
  } finally {
    await file.close();
  }
}
