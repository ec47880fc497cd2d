/** A job: what one side does in one step. It travels to the child processes, ours and theirs, as one JSON argument. */

import { isRecord } from './record.ts';

export const models = ['resnet18', 'resnet50', 'mobilenet_v2'] as const;
export type ModelName = (typeof models)[number];

export interface Job {
  readonly kind: 'train' | 'infer';
  readonly model: ModelName;
  readonly batch: number;
  /** Height and width of the pictures. */
  readonly size: number;
  readonly dtype: 'float32' | 'bfloat16';
  readonly threads: number;
  /** Ours only: the device to run on. */
  readonly device: string;
  /** Ours only, when a residual network trains: the backward pass computes the activations of its blocks again. */
  readonly recompute?: boolean;
}

const titles: Readonly<Record<ModelName, string>> = {
  resnet18: 'ResNet-18',
  resnet50: 'ResNet-50',
  mobilenet_v2: 'MobileNetV2',
};

/** "ResNet-50 training step, batch 16, 224x224, float32". */
export function titleOf(job: Job): string {
  const kind = job.kind === 'train' ? 'training step' : 'inference';
  const again = job.recompute === true ? ', blocks recomputed' : '';
  return `${titles[job.model]} ${kind}, batch ${job.batch}, ${job.size}x${job.size}, ${job.dtype}${again}`;
}

/** Reads a job back from a child's argument. */
export function parseJob(text: string | undefined): Job {
  const value: unknown = JSON.parse(text ?? 'null');
  if (!isRecord(value)) throw new Error('bench: the argument is no job');
  const { kind, model, batch, size, dtype, threads, device, recompute } = value;
  const known = models.find((name) => name === model);
  if (
    (kind === 'train' || kind === 'infer') &&
    (dtype === 'float32' || dtype === 'bfloat16') &&
    known !== undefined &&
    typeof batch === 'number' &&
    typeof size === 'number' &&
    typeof threads === 'number' &&
    typeof device === 'string' &&
    (recompute === undefined || typeof recompute === 'boolean')
  ) {
    return {
      kind,
      model: known,
      batch,
      size,
      dtype,
      threads,
      device,
      ...(recompute === undefined ? {} : { recompute }),
    };
  }
  throw new Error(`bench: the argument is no job: ${text}`);
}
