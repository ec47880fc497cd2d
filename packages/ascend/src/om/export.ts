/** Compiles an inference model for one chip: the way from ONNX to a `.om` file that is kept. Needs the compiler, no device. */

import { copyFile, rename, rm } from 'node:fs/promises';
import { DeviceError } from '@omma/core';
import { findCompiler } from '../acl/toolkit.ts';
import { type AtcProgress, compileOffline } from '../atc/compiler.ts';
import { precisionOf } from '../device/precision.ts';
import { defaultCann, findSoc, type Target, targetFor } from '../operators/index.ts';
import { aippConfig, type Normalization } from './aipp.ts';
import { type Gears, gearFlags } from './gears.ts';

/** What `atc` compiles for the chip called `soc` here: the table's entry for it and for the toolkit of this machine. */
export function offlineTarget(soc: string): Target {
  const { name } = findSoc(soc);
  const { mode } = precisionOf(findSoc(soc));
  return targetFor(name, findCompiler().version ?? defaultCann, mode);
}

export interface OfflineExport {
  readonly model: Uint8Array;
  readonly target: Target;
  /** The model's input and its dimensions, -1 where gears decide. */
  readonly input: { readonly name: string; readonly dims: readonly number[] };
  readonly gears: Gears;
  /** Lets the chip normalise pictures: the model takes normalised float32 [N, C, H, W], the compiled one uint8 [N, H, W, C]. Not with dims gears. */
  readonly aipp: Normalization | null;
  readonly progress?: AtcProgress;
}

const aippFile = 'aipp.cfg';

/** Writes the compiled model to `out`. Throws DeviceError with what atc says. */
export async function exportOffline(
  out: string,
  { model, target, input, gears, aipp, progress }: OfflineExport,
): Promise<void> {
  const compiler = findCompiler();
  if (compiler.atc === null) {
    throw new DeviceError(
      'export: no atc in ASCEND_TOOLKIT_HOME, the default places, PATH or ATC; install the CANN toolkit and source its set_env.sh',
    );
  }
  const file = await compileOffline(compiler, {
    name: 'export',
    model,
    origins: new Map(),
    options: {
      soc: target.soc.name,
      precision: target.precision,
      // Image gears and AIPP need to know which dimensions are height and width.
      inputFormat: gears.kind === 'image' || gears.kind === 'batch' || aipp !== null ? 'NCHW' : 'ND',
      flags: [
        ...gearFlags(gears, input.name, input.dims),
        ...(aipp === null ? [] : [`--insert_op_conf=${aippFile}`]),
      ],
      files: aipp === null ? {} : { [aippFile]: aippConfig(aipp) },
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
