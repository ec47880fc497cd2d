/**
 * State on the device: what the last run made of it, as ONNX Runtime handed it over, or what was uploaded.
 *
 * A run reads the tensor that is here and afterwards puts its own output in its place, so state goes from output to input without
 * passing through the caller. Where the runtime writes into an array that it is given, two arrays take turns: a run reads one and writes the
 * other, and nothing is copied or allocated in a step. Nothing writes into the array that a run reads.
 */

import { type DeviceBuffer, type HostArray, sizeOf, type TensorType } from '@omma/core';
import type { ElementType } from '../element.ts';
import { type ElementArray, elementArray, elementSize, fromElements, toElements } from '../elementArray.ts';
import type { Runtime, RuntimeTensor } from './provider.ts';
import { arrayOf, tensorOf } from './tensors.ts';

export class OnnxBuffer implements DeviceBuffer {
  readonly type: TensorType;
  /** The device that made it. */
  readonly owner: object;
  readonly element: ElementType;
  #content: ElementArray | RuntimeTensor;
  #spare: ElementArray | RuntimeTensor | null = null;

  constructor({ shape, dtype }: TensorType, element: ElementType, owner: object) {
    this.type = { shape, dtype };
    this.owner = owner;
    this.element = element;
    this.#content = elementArray(element, sizeOf(shape));
  }

  /** What it adds to the device's memory. */
  get bytes(): number {
    return sizeOf(this.type.shape) * elementSize(this.element) * (this.#spare === null ? 1 : 2);
  }

  /** What a run reads, as a tensor of `runtime`. */
  tensor(runtime: Runtime): RuntimeTensor {
    if (ArrayBuffer.isView(this.#content))
      this.#content = tensorOf(runtime, this.#content, this.element, this.type.shape);
    return this.#content;
  }

  /** Takes the second array that `target` needs. */
  reserve(): void {
    this.#spare ??= elementArray(this.element, sizeOf(this.type.shape));
  }

  /** Where a run may write what takes this content's place; null without a second array. */
  target(runtime: Runtime): RuntimeTensor | null {
    if (this.#spare !== null && ArrayBuffer.isView(this.#spare))
      this.#spare = tensorOf(runtime, this.#spare, this.element, this.type.shape);
    return this.#spare;
  }

  /** Keeps a run's output. What was here is the next target, or let go of. */
  replace(content: ElementArray | RuntimeTensor): void {
    if (content === this.#spare) this.#spare = this.#content;
    else if (!ArrayBuffer.isView(this.#content)) this.#content.dispose();
    this.#content = content;
  }

  /** `data` may change once this has returned. */
  write(data: HostArray): void {
    this.replace(toElements({ ...this.type, data: data.slice() }, this.element));
  }

  /** Lets go of what it holds. */
  release(): void {
    this.#spare = null;
    this.replace(elementArray(this.element, 0));
  }

  /** A copy of its numbers. */
  async read(): Promise<HostArray> {
    const content = this.#content;
    const array = ArrayBuffer.isView(content) ? content : await arrayOf(content, this.element);
    return fromElements(array, this.element, this.type.dtype).slice();
  }
}
