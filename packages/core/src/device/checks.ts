/** What every device checks of the data it is given, with one wording: inputs of a run, buffers for state, uploads. */

import { type HostArray, hostArray } from '../dtype.ts';
import { DeviceError } from '../errors.ts';
import { type Graph, graphValue, type Port, type TensorType } from '../graph/graph.ts';
import { formatType } from '../graph/print.ts';
import { sameShape, sizeOf } from '../shape.ts';
import type { HostTensor } from '../tensor.ts';
import type { DeviceBuffer } from './device.ts';

/** A port with the type of its value. */
export interface TypedPort extends TensorType {
  readonly name: string;
}

/** The graph's inputs or outputs with their types. */
export function typedPorts(graph: Graph, ports: readonly Port[]): TypedPort[] {
  return ports.map(({ name, value }) => {
    const { shape, dtype } = graphValue(graph, value);
    return { name, shape, dtype };
  });
}

/** The numbers given for an input of a run. Throws DeviceError when they are missing or do not fit. */
export function checkedInput(device: string, port: TypedPort, given: HostTensor | undefined): HostArray {
  const wanted = formatType(port);
  if (given === undefined) throw new DeviceError(`${device}: input ${port.name} (${wanted}) is missing`);
  if (given.dtype !== port.dtype || !sameShape(given.shape, port.shape)) {
    throw new DeviceError(`${device}: input ${port.name} must be ${wanted} but is ${formatType(given)}`);
  }
  if (!fits(given.data, port)) {
    throw new DeviceError(
      `${device}: input ${port.name} must bring ${sizeOf(port.shape)} ${port.dtype} elements but brings a ` +
        `${given.data.constructor.name} of ${given.data.length}`,
    );
  }
  return given.data;
}

/** Throws DeviceError when `data` cannot be uploaded to a buffer of this type. */
export function checkUpload(device: string, type: TensorType, data: HostArray): void {
  if (fits(data, type)) return;
  throw new DeviceError(
    `${device}: upload to a buffer of ${formatType(type)} needs a ${hostArray(type.dtype, 0).constructor.name} of ` +
      `${sizeOf(type.shape)} elements but is given a ${data.constructor.name} of ${data.length}`,
  );
}

/** The buffers given for the graph's state slots, in their order. Throws DeviceError when one is missing or does not fit. */
export function stateBuffers(
  device: string,
  graph: Graph,
  given: ReadonlyMap<string, DeviceBuffer>,
): DeviceBuffer[] {
  return graph.state.map(({ name, read }) => {
    const buffer = given.get(name);
    if (buffer === undefined) throw new DeviceError(`${device}: no buffer is given for state ${name}`);
    const type = graphValue(graph, read);
    if (buffer.type.dtype !== type.dtype || !sameShape(buffer.type.shape, type.shape)) {
      throw new DeviceError(
        `${device}: the buffer given for state ${name} is ${formatType(buffer.type)} but must be ${formatType(type)}`,
      );
    }
    return buffer;
  });
}

function fits(data: HostArray, { dtype, shape }: TensorType): boolean {
  return data.constructor === hostArray(dtype, 0).constructor && data.length === sizeOf(shape);
}
