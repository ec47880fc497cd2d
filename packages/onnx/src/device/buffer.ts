/**
 * State on the device: what the last run made of it, as ONNX Runtime handed it over, or what was uploaded.
 *
 * A run reads the tensor that is here and afterwards puts its own output in its place, so state goes from output to input without
 * passing through the caller. Nothing writes into an array that a buffer holds.
 */

import { type DeviceBuffer, type HostArray, sizeOf, type TensorType } from '@omma/core';
import type { ElementType } from '../element.ts';
import { type ElementArray, elementArray, fromElements, toElements } from '../elementArray.ts';
import type { Runtime, RuntimeTensor } from './provider.ts';
import { arrayOf, tensorOf } from './tensors.ts';

export class OnnxBuffer implements DeviceBuffer {
  readonly type: TensorType;
  /** The device that made it. */
  readonly owner: object;
  readonly element: ElementType;
  /** What `allocate` added to the device's memory and `free` takes away. */
  readonly bytes: number;
  #content: ElementArray | RuntimeTensor;

  constructor({ shape, dtype }: TensorType, element: ElementType, owner: object) {
    this.type = { shape, dtype };
    this.owner = owner;
    this.element = element;
    this.#content = elementArray(element, sizeOf(shape));
    this.bytes = this.#content.byteLength;
  }

  /** What a run reads, as a tensor of `runtime`. */
  tensor(runtime: Runtime): RuntimeTensor {
    if (ArrayBuffer.isView(this.#content))
      this.#content = tensorOf(runtime, this.#content, this.element, this.type.shape);
    return this.#content;
  }

  /** Keeps a run's output and lets go of what was here. */
  replace(content: ElementArray | RuntimeTensor): void {
    if (!ArrayBuffer.isView(this.#content)) this.#content.dispose();
    this.#content = content;
  }

  /** `data` may change once this has returned. */
  write(data: HostArray): void {
    this.replace(toElements({ ...this.type, data: data.slice() }, this.element));
  }

  /** Lets go of what it holds. */
  release(): void {
    this.replace(elementArray(this.element, 0));
  }

  /** A copy of its numbers. */
  async read(): Promise<HostArray> {
    const content = this.#content;
    const array = ArrayBuffer.isView(content) ? content : await arrayOf(content, this.element);
    return fromElements(array, this.element, this.type.dtype).slice();
  }
}
