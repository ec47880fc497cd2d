/** Compiles an inference model for one chip: the way from ONNX to a `.om` file that is kept. Needs the compiler, no device. */

import { copyFile, rename, rm } from 'node:fs/promises';
import { DeviceError } from '@omma/core';
import { findCompiler } from '../acl/toolkit.ts';
import { type AtcProgress, compileOffline } from '../atc/compiler.ts';
import { precisionOf } from '../device/precision.ts';
import { defaultCann, findSoc, type Target, targetFor } from '../operators/index.ts';

/** What `atc` compiles for the chip called `soc` here: the table's entry for it and for the toolkit of this machine. */
export function offlineTarget(soc: string): Target {
  const { name } = findSoc(soc);
  const { mode } = precisionOf(findSoc(soc));
  return targetFor(name, findCompiler().version ?? defaultCann, mode);
}

export interface OfflineExport {
  readonly model: Uint8Array;
  readonly target: Target;
  /** Of the input whose first dimension is dynamic, and the batch sizes to compile for; null for a static model. */
  readonly dynamicBatch: {
    readonly input: string;
    readonly shape: readonly number[];
    readonly sizes: readonly number[];
  } | null;
  readonly progress?: AtcProgress;
}

/** Writes the compiled model to `out`. Throws DeviceError with what atc says. */
export async function exportOffline(
  out: string,
  { model, target, dynamicBatch, progress }: OfflineExport,
): Promise<void> {
  const compiler = findCompiler();
  if (compiler.atc === null) {
    throw new DeviceError(
      'export: no atc in ASCEND_TOOLKIT_HOME, the default places, PATH or ATC; install the CANN toolkit and source its set_env.sh',
    );
  }
  const flags =
    dynamicBatch === null
      ? []
      : [
          `--input_shape=${dynamicBatch.input}:${[-1, ...dynamicBatch.shape].join(',')}`,
          `--dynamic_batch_size=${dynamicBatch.sizes.join(',')}`,
        ];
  const file = await compileOffline(compiler, {
    name: 'export',
    model,
    origins: new Map(),
    options: {
      soc: target.soc.name,
      precision: target.precision,
      inputFormat: dynamicBatch === null ? 'ND' : 'NCHW',
      flags,
      files: {},
    },
    ...(progress === undefined ? {} : { progress }),
  });
  const temporary = `${out}.tmp-${process.pid}`;
  try {
    await copyFile(file, temporary);
    await rename(temporary, out);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new DeviceError(
      `export: ${out} cannot be written (${error instanceof Error ? error.message : String(error)}); choose another --out`,
    );
  }
}
