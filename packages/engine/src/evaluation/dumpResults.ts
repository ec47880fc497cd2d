/**
 * DumpResults: every prediction and what it is compared with in one file, so that metrics can be computed again without the model
 * (`omma eval`). MMEngine's metric of this name; a safetensors file in place of a pickle.
 *
 * Tensors are `outputs.NAME` and `inputs.NAME` with a row for every sample, and `indices`, the samples' places in the data set. Pictures (8-bit, four
 * dimensions) are left out.
 */

import { readFile } from 'node:fs/promises';
import { arrayFromBytes, bytesOf, type HostTensor, hostTensor, OmmaError } from '@omma/core';
import { readSafetensors, toHostTensor, writeSafetensors } from '@omma/nn';
import { codeOf, writeAtomically } from '@omma/storage';
import { z } from 'zod';
import { located } from '../checkpoint/checkpoint.ts';
import { otherFile, startBytes } from '../checkpoint/otherFile.ts';
import { metrics } from '../config/registries.ts';
import type { Batch, Metric } from '../data/types.ts';
import type { Evaluator } from './evaluator.ts';

export interface DumpResultsOptions {
  /** Ends in `.safetensors`. */
  readonly outFilePath: string;
}

declare module '../config/registries.ts' {
  interface MetricTypes {
    DumpResults: DumpResultsOptions;
  }
}

const format = 'omma-results-1';

export class DumpResults implements Metric {
  readonly inputs = isKept;
  readonly #path: string;
  #parts = new Map<string, HostTensor[]>();

  constructor({ outFilePath }: DumpResultsOptions) {
    this.#path = outFilePath;
  }

  reset(): void {
    this.#parts = new Map();
  }

  update(outputs: Readonly<Record<string, HostTensor>>, batch: Batch): void {
    const kept = Object.entries(batch.inputs).filter(([name, tensor]) => isKept(name, tensor));
    for (const [name, tensor] of Object.entries(outputs)) this.#add(`outputs.${name}`, tensor, batch.count);
    for (const [name, tensor] of kept) this.#add(`inputs.${name}`, tensor, batch.count);
    const indices = Int32Array.from(batch.indices);
    this.#add('indices', hostTensor([indices.length], 'int32', indices), batch.count);
  }

  compute(): Record<string, number> {
    return {};
  }

  async save(): Promise<void> {
    const tensors = Object.fromEntries(
      [...this.#parts].map(([name, parts]) => [name, joined(parts)] as const),
    );
    await writeAtomically(this.#path, [writeSafetensors(tensors, { format })]);
  }

  #add(name: string, tensor: HostTensor, rows: number): void {
    const [, ...rest] = tensor.shape;
    const size = rest.reduce((product, length) => product * length, 1);
    const own = hostTensor([rows, ...rest], tensor.dtype, tensor.data.slice(0, rows * size));
    const parts = this.#parts.get(name);
    if (parts === undefined) this.#parts.set(name, [own]);
    else parts.push(own);
  }
}

function noResults(path: string): OmmaError {
  return new OmmaError(
    `${path}: is no file of predictions; \`omma test CONFIG CHECKPOINT --dump FILE\` writes one`,
  );
}

/** Evaluates the predictions of a file that DumpResults wrote: the same numbers as the evaluation that wrote it. */
export async function evaluateResults(
  path: string,
  evaluator: Evaluator,
): Promise<{
  readonly metrics: Record<string, number>;
  readonly samples: number;
  readonly details: Record<string, unknown>;
}> {
  const file = await readFile(path).catch((error: unknown) => {
    throw new OmmaError(
      `${path}: cannot read the results (${codeOf(error) ?? String(error)}); check the path`,
    );
  });
  if (otherFile(file.subarray(0, startBytes)) !== null) throw noResults(path);
  const { tensors, metadata } = await located(path, async () => readSafetensors(file));
  if (metadata.format !== format) throw noResults(path);
  const named = (prefix: string) =>
    Object.fromEntries(
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), toHostTensor(name, tensor)] as const] : [],
      ),
    );
  const found = tensors.get('indices');
  const indices = found === undefined ? [] : Array.from(toHostTensor('indices', found).data);
  const samples = indices.length;
  for (const [name, { shape }] of tensors) {
    if (shape[0] !== samples)
      throw new OmmaError(
        `${path}: ${name} has ${shape[0] ?? 0} rows for ${samples} samples; dump the results anew`,
      );
  }
  evaluator.reset();
  evaluator.update(named('outputs.'), {
    inputs: named('inputs.'),
    count: samples,
    indices,
    skipped: [],
  });
  return { metrics: evaluator.compute(), samples, details: evaluator.details() };
}

/** Tensors below each other: shapes [n, ...] to [sum of n, ...]. */
function joined(parts: readonly HostTensor[]): HostTensor {
  const [first] = parts;
  if (first === undefined) throw new Error('joined: nothing to join');
  const rows = parts.reduce((total, { shape }) => total + (shape[0] ?? 0), 0);
  const bytes = new Uint8Array(Buffer.concat(parts.map(({ data }) => bytesOf(data))));
  return hostTensor([rows, ...first.shape.slice(1)], first.dtype, arrayFromBytes(first.dtype, bytes));
}

function isKept(_name: string, { dtype, shape }: HostTensor): boolean {
  return !(dtype === 'uint8' && shape.length >= 4);
}

metrics.register(
  'DumpResults',
  z.strictObject({
    outFilePath: z.string().regex(/\.safetensors$/, { error: 'expected a name that ends in .safetensors' }),
  }),
  (options) => new DumpResults(options),
);
