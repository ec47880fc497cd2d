/**
 * Variable: named state that outlives a step. Parameters, optimiser moments, batch-norm statistics, the random counter,
 * the loss scale are all variables.
 *
 * Inside `trace`, `read` and `write` record the state slot; a compiled function binds each slot to a buffer on its device and
 * keeps it there from call to call. Numbers come back to the host only when asked for (`download`).
 */

import type { Device, DeviceBuffer } from './device/device.ts';
import { type DType, type HostArray, hostArray } from './dtype.ts';
import { OmmaError, ShapeError } from './errors.ts';
import type { GraphBuilder } from './graph/builder.ts';
import type { TensorType } from './graph/graph.ts';
import { formatShape, type Shape, sameShape, sizeOf } from './shape.ts';
import { type HostTensor, hostTensor, type Tensor } from './tensor.ts';
import { currentBuilder, lift, traced } from './trace.ts';

export class Variable implements TensorType {
  /** Unique within every function that uses the variable; a module's parameters get theirs from the module tree. */
  name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Its numbers while they are on the host; null for zeros that nobody has looked at, and when a device has them. */
  #host: HostArray | null;
  #placed: { device: Device; buffer: DeviceBuffer } | null = null;
  /** Moves happen one after another. */
  #moving: Promise<unknown> = Promise.resolve();

  /** Starts at `data`, or at zero. */
  constructor(name: string, type: TensorType, data?: HostArray) {
    this.name = name;
    this.shape = type.shape;
    this.dtype = type.dtype;
    this.#host = data === undefined ? null : hostTensor(type.shape, type.dtype, data).data;
  }

  /** Its value at the start of the step, or what this trace has written since. */
  read(): Tensor {
    const builder = currentBuilder();
    if (builder === null)
      throw new OmmaError(`variable ${this.name}: read it inside trace or compile; use download() outside`);
    this.#register(builder);
    const written = builder.written.get(this.name);
    return traced(builder, written ?? builder.readState(this.name, this));
  }

  /** Sets the value that is kept at the end of the step. */
  write(value: Tensor): void {
    const builder = currentBuilder();
    if (builder === null)
      throw new OmmaError(`variable ${this.name}: write it inside trace or compile; use upload() outside`);
    if (!sameShape(value.shape, this.shape) || value.dtype !== this.dtype) {
      throw new ShapeError(
        `variable ${this.name}: expects ${this.dtype}${formatShape(this.shape)} but is given ${value.dtype}${formatShape(value.shape)}`,
      );
    }
    this.#register(builder);
    const id = lift(builder, value);
    builder.written.set(this.name, id);
    builder.writeState(this.name, this, id);
  }

  /** Makes it known to the graph being built, where its name must be its own. */
  #register(builder: GraphBuilder): void {
    const known = builder.variables.get(this.name);
    if (known !== undefined && known !== this) {
      throw new OmmaError(`variable ${this.name}: two variables have this name; give each its own`);
    }
    builder.variables.set(this.name, this);
  }

  /** A copy of its numbers. */
  async download(): Promise<HostTensor> {
    if (this.#placed !== null) {
      return hostTensor(
        this.shape,
        this.dtype,
        (await this.#placed.device.download(this.#placed.buffer)).slice(),
      );
    }
    const data = this.#host?.slice() ?? hostArray(this.dtype, sizeOf(this.shape));
    return hostTensor(this.shape, this.dtype, data);
  }

  /** Replaces its numbers. */
  async upload(data: HostArray): Promise<void> {
    const { data: checked } = hostTensor(this.shape, this.dtype, data);
    if (this.#placed === null) this.#host = checked.slice();
    else await this.#placed.device.upload(this.#placed.buffer, checked);
  }

  isOn(device: Device): boolean {
    return this.#placed?.device === device;
  }

  /** The buffer that holds it on `device`, moved there when it is elsewhere. For compiled functions. */
  bufferOn(device: Device): Promise<DeviceBuffer> {
    const placed = this.#moving.then(() => this.#place(device));
    this.#moving = placed.catch(() => undefined);
    return placed;
  }

  async #place(device: Device): Promise<DeviceBuffer> {
    if (this.#placed?.device === device) return this.#placed.buffer;
    const { data } = await this.download();
    const buffer = device.allocate(this);
    try {
      await device.upload(buffer, data);
    } catch (error) {
      device.free(buffer);
      throw error;
    }
    this.release();
    this.#placed = { device, buffer };
    this.#host = null;
    return buffer;
  }

  /** Frees its device memory. The numbers are lost unless they were downloaded before: it is zero again. */
  release(): void {
    this.#placed?.device.free(this.#placed.buffer);
    this.#placed = null;
    this.#host = null;
  }
}
