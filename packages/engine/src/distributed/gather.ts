/**
 * Predictions of all ranks, gathered batch by batch in evaluation: metrics see the same batches in the same order as in one process, so
 * their numbers are the same, whatever they compute. Only what they read travels: the pictures stay where they are.
 */

import {
  allGatherHost,
  arrayFromBytes,
  bytesOf,
  type Communicator,
  type HostTensor,
  hostTensor,
  OmmaError,
} from '@omma/core';
import type { Batch, Metric } from '../data/types.ts';

/** The outputs of a step and the batch they belong to. */
export interface Predictions {
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly batch: Batch;
}

/** Names of the batch's inputs that one of the metrics reads. */
export function neededInputs(metrics: readonly Metric[], batch: Batch): string[] {
  const reads = ({ inputs }: Metric, name: string, tensor: HostTensor) =>
    inputs === undefined || (typeof inputs === 'function' ? inputs(name, tensor) : inputs.includes(name));
  return Object.entries(batch.inputs)
    .filter(([name, tensor]) => metrics.some((metric) => reads(metric, name, tensor)))
    .map(([name]) => name);
}

/**
 * The predictions of all ranks for one step, in rank order. What was skipped stays with its rank. All ranks must give tensors of the
 * same shapes, which static shapes see to but where batches are padded to their own largest picture; an OmmaError on every rank tells.
 */
export async function gatherPredictions(
  communicator: Communicator,
  { outputs, batch }: Predictions,
  inputs: readonly string[],
): Promise<Predictions[]> {
  const tensors = [
    hostTensor([batch.indices.length + 1], 'int32', Int32Array.of(batch.count, ...batch.indices)),
    ...Object.keys(outputs).flatMap((name) => outputs[name] ?? []),
    ...inputs.flatMap((name) => batch.inputs[name] ?? []),
  ];
  const packed = Buffer.concat(tensors.map(({ data }) => bytesOf(data)));
  await requireEqualSizes(communicator, packed.length);
  const own = hostTensor([packed.length], 'uint8', new Uint8Array(packed));
  const all = await allGatherHost(communicator, own);
  return all.map(({ data }, rank) => {
    let at = 0;
    const next = ({ shape, dtype, data: like }: HostTensor) => {
      const bytes = bytesOf(data).subarray(at, at + like.byteLength);
      at += like.byteLength;
      return hostTensor(shape, dtype, arrayFromBytes(dtype, bytes));
    };
    const [head, ...rest] = tensors.map(next);
    const [count = 0, ...indices] = head?.data ?? [];
    const outputNames = Object.keys(outputs);
    const named = (names: readonly string[], from: number) =>
      Object.fromEntries(
        names.flatMap((name, i) => {
          const tensor = rest[from + i];
          return tensor === undefined ? [] : [[name, tensor] as const];
        }),
      );
    return {
      outputs: named(outputNames, 0),
      batch: {
        inputs: named(inputs, outputNames.length),
        count,
        indices,
        skipped: rank === communicator.rank ? batch.skipped : [],
      },
    };
  });
}

/** Collectives of different lengths hang or mix up numbers, so the ranks compare them first. */
async function requireEqualSizes(communicator: Communicator, bytes: number): Promise<void> {
  const sizes = await allGatherHost(communicator, hostTensor([1], 'int32', Int32Array.of(bytes)));
  const all = sizes.map(({ data }) => Number(data[0]));
  const other = all.findIndex((size) => size !== all[0]);
  if (other === -1) return;
  throw new OmmaError(
    `evaluation: rank 0 has ${all[0]} bytes of predictions and inputs for a step, rank ${other} has ${all[other]}; a metric reads inputs whose shapes differ between ranks, so pad them to one size (PadCollate) or let it read none`,
  );
}
