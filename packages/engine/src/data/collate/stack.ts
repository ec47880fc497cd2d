/** Stacking, the default: samples of one shape, each written to its row of the batch as it is loaded. */

import {
  type DType,
  type HostArray,
  type HostTensor,
  OmmaError,
  type Shape,
  sameShape,
  sizeOf,
} from '@omma/core';
import { z } from 'zod';
import type { Sample } from '../types.ts';
import { registerCollate } from './collate.ts';

declare module './collate.ts' {
  interface CollateTypes {
    /** OpenMMLab's `default_collate`: equal shapes. */
    StackCollate: object;
  }
}

registerCollate('StackCollate', {
  schema: z.strictObject({}),
  build: () => ({ inPlace: true, collate: (samples, batch) => batch.stack(samples) }),
});

type NameOf = (sample: Sample) => string;

/** The arrays of a batch, made when the first sample says what it has, and their rows. */
export class BatchRows {
  readonly #count: number;
  readonly #make: (dtype: DType, shape: Shape) => HostTensor;
  readonly #tensors = new Map<string, HostTensor>();

  /** For `count` rows; `make` gives their arrays. */
  constructor(count: number, make: (dtype: DType, shape: Shape) => HostTensor) {
    this.#count = count;
    this.#make = make;
  }

  /** What `SampleContext.allocate` is for the sample of this row. */
  allocator(row: number): (name: string, dtype: DType, shape: Shape) => HostArray {
    return (name, dtype, shape) => {
      const size = sizeOf(shape);
      const whole = this.#tensors.get(name) ?? this.#add(name, dtype, shape);
      // A sample of another type is refused by `stack`, with its name.
      return fits(whole, dtype, shape)
        ? whole.data.subarray(row * size, (row + 1) * size)
        : this.#make(dtype, shape).data;
    };
  }

  /** The tensors of `names` with the batch axis in front. `nameOf` names a sample in errors. */
  stack(samples: readonly Sample[], names: readonly string[], nameOf: NameOf): Record<string, HostTensor> {
    return Object.fromEntries(names.map((name) => [name, this.#stackOne(name, samples, nameOf)]));
  }

  #stackOne(name: string, samples: readonly Sample[], nameOf: NameOf): HostTensor {
    const tensors = samples.map((sample) => tensorOf(sample, name, nameOf));
    const [first] = tensors;
    if (first === undefined) throw new OmmaError(`collate: there are no samples to stack ${name} of`);
    const { dtype, shape } = first;
    samples.forEach((sample) => {
      const tensor = tensorOf(sample, name, nameOf);
      if (tensor.dtype === dtype && sameShape(tensor.shape, shape)) return;
      throw new OmmaError(
        `data loader: ${nameOf(sample)} gives ${name} as ${tensor.dtype} [${tensor.shape.join(', ')}] but the batch has ${dtype} [${shape.join(', ')}]; resize or crop in the pipeline`,
      );
    });
    const known = this.#tensors.get(name);
    // Rows that hold other samples are not written over: somebody may want to stack those, too.
    if (known === undefined || !isInPlace(known, tensors)) {
      return filled(this.#make(dtype, [tensors.length, ...shape]), tensors);
    }
    // The next one gets an array of its own.
    this.#tensors.delete(name);
    return filled(known, tensors);
  }

  #add(name: string, dtype: DType, shape: Shape): HostTensor {
    const tensor = this.#make(dtype, [this.#count, ...shape]);
    this.#tensors.set(name, tensor);
    return tensor;
  }
}

/** A tensor of a sample; an OmmaError with the name of the sample if it has none. */
export function tensorOf(sample: Sample, name: string, nameOf: NameOf): HostTensor {
  const tensor = sample.tensors[name];
  if (tensor !== undefined) return tensor;
  throw new OmmaError(`data loader: ${nameOf(sample)} has no ${name}, as the first sample of its batch has`);
}

function fits({ dtype, shape }: HostTensor, wantedType: DType, wantedShape: Shape): boolean {
  return dtype === wantedType && sameShape(shape.slice(1), wantedShape);
}

/** Whether `whole` is the batch of these tensors: each lies in its row already or somewhere else altogether, or is the first one again, which fills the batch up. */
function isInPlace(whole: HostTensor, tensors: readonly HostTensor[]): boolean {
  const [first] = tensors;
  if (first === undefined || tensors.length !== whole.shape[0] || !fits(whole, first.dtype, first.shape)) {
    return false;
  }
  const size = sizeOf(first.shape);
  return tensors.every((tensor, row) => {
    const place = placeIn(whole.data, tensor.data);
    return place === null || place === row * size || (tensor === first && place === 0);
  });
}

/** `whole` with a tensor in each row. */
function filled(whole: HostTensor, tensors: readonly HostTensor[]): HostTensor {
  const size = whole.data.length / tensors.length;
  tensors.forEach(({ data }, row) => {
    if (placeIn(whole.data, data) !== row * size) whole.data.set(data, row * size);
  });
  return whole;
}

/** Where in `whole` an array begins that is part of it; null if it is none. */
function placeIn(whole: HostArray, part: HostArray): number | null {
  if (part.buffer !== whole.buffer) return null;
  return (part.byteOffset - whole.byteOffset) / whole.BYTES_PER_ELEMENT;
}
