/**
 * Tensor: a handle on one value that does not exist yet.
 *
 * Inside `trace` it names a value of the graph being built. Outside, it remembers the operation that would make it
 * (a pending graph); `await x.data()` compiles that graph and runs it. Either way a tensor has a shape and a dtype and
 * never numbers, so there is one semantics and no second engine. Methods (`x.add(y)`) are attached by ops/methods.ts.
 */

import { type DType, type HostArray, hostArray } from './dtype.ts';
import { ShapeError } from './errors.ts';
import type { GraphBuilder } from './graph/builder.ts';
import type { Attributes, TensorType } from './graph/graph.ts';
import { toBfloat16, toFloat16 } from './half.ts';
import { formatShape, type Shape, sizeOf } from './shape.ts';

/** Numbers on the host: what goes into a device and comes out of it. */
export interface HostTensor extends TensorType {
  readonly data: HostArray;
}

/** Where a tensor's value comes from. */
export type Origin =
  | { readonly kind: 'traced'; readonly builder: GraphBuilder; readonly id: number }
  | { readonly kind: 'host'; readonly host: HostTensor }
  | { readonly kind: 'pending'; readonly call: PendingCall; readonly output: number };

/** One operation recorded outside of `trace`. `results` is filled when it has run; then `inputs` are let go. */
export interface PendingCall {
  readonly op: string;
  inputs: readonly Tensor[];
  readonly attrs: Attributes;
  readonly types: readonly TensorType[];
  results: (HostTensor | undefined)[] | null;
}

export class Tensor implements TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly origin: Origin;

  constructor(type: TensorType, origin: Origin) {
    this.shape = type.shape;
    this.dtype = type.dtype;
    this.origin = origin;
  }

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** Extent along `axis`; negative axes count from the back. */
  dim(axis: number): number {
    const extent = this.shape[axis < 0 ? axis + this.rank : axis];
    if (extent === undefined) {
      throw new ShapeError(
        `dim: axis ${axis} does not exist in a tensor of shape ${formatShape(this.shape)}`,
      );
    }
    return extent;
  }
}

/** Checks a host tensor's length against its shape and returns it. */
export function hostTensor(shape: Shape, dtype: DType, data: HostArray): HostTensor {
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(
      `tensor: shape ${formatShape(shape)} needs ${sizeOf(shape)} elements but the data has ${data.length}`,
    );
  }
  if (data.constructor !== hostArray(dtype, 0).constructor) {
    throw new ShapeError(
      `tensor: ${dtype} data must be a ${hostArray(dtype, 0).constructor.name} but is a ${data.constructor.name}`,
    );
  }
  return { shape, dtype, data };
}

/** Host numbers from a typed array (checked) or from plain numbers (rounded to `dtype`). */
export function hostFrom(data: HostArray | readonly number[], shape: Shape, dtype: DType): HostTensor {
  if (ArrayBuffer.isView(data)) return hostTensor(shape, dtype, data);
  const array = hostArray(dtype, data.length);
  array.set(dtype === 'bfloat16' ? data.map(toBfloat16) : dtype === 'float16' ? data.map(toFloat16) : data);
  return hostTensor(shape, dtype, array);
}

/**
 * A tensor with known numbers: float32 unless `dtype` says otherwise, one-dimensional unless `shape` is given.
 * Inside `trace` it becomes a constant of the graph.
 */
export function tensor(
  data: HostArray | readonly number[],
  shape: Shape = [data.length],
  dtype: DType = 'float32',
): Tensor {
  const host = hostFrom(data, shape, dtype);
  return new Tensor(host, { kind: 'host', host });
}
