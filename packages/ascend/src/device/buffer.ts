/**
 * State of a graph: memory of the device's thread behind an id, or numbers on the host.
 *
 * The few words that random numbers come from live on the host, where they are drawn (`StepModel.host`); such a buffer moves there when the
 * first step that draws from it is compiled, and what is uploaded and downloaded afterwards never sees the device.
 */

import { type DeviceBuffer, type HostArray, sizeOf, type TensorType } from '@omma/core';
import { type ElementType, elementSize } from '@omma/onnx';

export class AscendBuffer implements DeviceBuffer {
  readonly type: TensorType;
  /** The device that made it. */
  readonly owner: object;
  /** The id that the device's thread knows it by. */
  readonly id: number;
  readonly element: ElementType;
  /** In device memory; a step that writes it takes as much once more. */
  readonly bytes: number;
  /** Its numbers when they are on the host; null when the device has them. */
  host: HostArray | null = null;

  constructor({ shape, dtype }: TensorType, element: ElementType, id: number, owner: object) {
    this.type = { shape, dtype };
    this.element = element;
    this.id = id;
    this.owner = owner;
    this.bytes = sizeOf(shape) * elementSize(element);
  }
}
