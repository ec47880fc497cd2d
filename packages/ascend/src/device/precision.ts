/**
 * Which numbers a chip computes with: chosen from its name, or by `OMMA_ASCEND_PRECISION`.
 *
 * 910B and 910_93 multiply float32 in their matrix unit, so a graph runs as it is written. The others do not: there the compiler makes float16 of
 * what profits from it and keeps the rest, and training needs loss scaling, which `--amp float16` (or auto) brings.
 */

import { DeviceError, type DType } from '@omma/core';
import { type Precision, precisions, type Soc } from '../operators/index.ts';

export interface ChipPrecision {
  /** `--precision_mode_v2` */
  readonly mode: Precision;
  /** For `Device.capabilities.mixedPrecision`. */
  readonly mixedPrecision: readonly DType[];
  /** For `Device.capabilities.float32As`; null where the mode keeps float32. */
  readonly float32As: DType | null;
  /** For `Device.capabilities.float16Saturates`. */
  readonly float16Saturates: boolean;
}

const products: Readonly<Record<Precision, DType | null>> = {
  origin: null,
  fp16: 'float16',
  mixed_float16: 'float16',
  mixed_bfloat16: 'bfloat16',
  cube_fp16in_fp32out: 'float16',
};

/** What `soc` computes with; `wanted` overrides the compiler's mode. */
export function precisionOf(
  soc: Soc,
  wanted: string | undefined = process.env.OMMA_ASCEND_PRECISION,
): ChipPrecision {
  const mode = wanted === undefined || wanted === '' ? defaultMode(soc) : knownMode(wanted);
  return {
    mode,
    float32As: products[mode],
    float16Saturates: soc.family.overflow === 'saturation',
    mixedPrecision: soc.family.bfloat16 ? ['bfloat16', 'float16'] : ['float16'],
  };
}

function defaultMode({ family }: Soc): Precision {
  return family.cubeFloat32 ? 'origin' : 'mixed_float16';
}

function knownMode(wanted: string): Precision {
  const known = precisions.find((mode) => mode === wanted);
  if (known !== undefined) return known;
  throw new DeviceError(
    `OMMA_ASCEND_PRECISION should be one of ${precisions.join(', ')} but is ${wanted}; remove it for the chip's own`,
  );
}
