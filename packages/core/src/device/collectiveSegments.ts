/**
 * Collectives in the middle of a graph on devices that cannot run them there: the graph is cut into segments, and the communicator sums in between, where the values lie.
 *
 * A segment costs a start of the device, and on Ascend a compilation of its own. So this is for what cannot be had otherwise, the statistics of synchronised batch norm.
 */

import { hostArray } from '../dtype.ts';
import type { Graph } from '../graph/graph.ts';
import { at } from '../list.ts';
import { cutAtCollectives, isCollective } from '../passes/cutAtCollectives.ts';
import { sizeOf } from '../shape.ts';
import type { HostTensor } from '../tensor.ts';
import type { Communicator } from './communicator.ts';
import type { CompileOptions, Device, DeviceBuffer, Executable } from './device.ts';

/** What passes may know of a device whose graphs are cut: it need not run collectives. */
export function besidesCollectives(device: Device): Pick<Device, 'name' | 'supports'> {
  return {
    name: device.name,
    supports: (node, graph) => isCollective(node) || device.supports(node, graph),
  };
}

/** Compiles `graph` for the communicator's device, with sums over its ranks. Every rank must compile the same graph. */
export async function compileWithCollectives(
  graph: Graph,
  communicator: Communicator,
  options: CompileOptions,
): Promise<Executable> {
  const { device } = communicator;
  const { segments, kept } = cutAtCollectives(graph);
  const buffers = new Map<string, DeviceBuffer>();
  const executables: Executable[] = [];
  const dispose = () => {
    for (const executable of executables) executable.dispose();
    for (const buffer of buffers.values()) device.free(buffer);
  };
  try {
    for (const [name, type] of kept) {
      const buffer = device.allocate(type);
      buffers.set(name, buffer);
      await device.upload(buffer, hostArray(type.dtype, sizeOf(type.shape)));
    }
    const state = new Map([...options.state, ...buffers]);
    for (const { graph: segment } of segments)
      executables.push(await device.compile(segment, { ...options, state }));
  } catch (error) {
    dispose();
    throw error;
  }
  const runAll = async (inputs: Readonly<Record<string, HostTensor>>) => {
    const outputs: Record<string, HostTensor> = {};
    for (const [i, { graph: segment, sums }] of segments.entries()) {
      Object.assign(outputs, await at(executables, i).run(partOf(inputs, segment)));
      for (const name of sums) {
        const buffer = buffers.get(name);
        if (buffer !== undefined) await communicator.allReduce(buffer, 'sum');
      }
    }
    return outputs;
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    // One after another: a run's first segment must not overwrite what another run's last one reads.
    run: (inputs) => {
      const result = last.then(() => runAll(inputs));
      last = result.catch(() => undefined);
      return result;
    },
    bytes: executables.reduce((total, { bytes }) => total + bytes, 0),
    profile: () => executables.flatMap((executable) => executable.profile()),
    dispose,
  };
}

/** Those of `values` that `graph` takes. */
export function partOf(
  values: Readonly<Record<string, HostTensor>>,
  graph: Graph,
): Record<string, HostTensor> {
  const part: Record<string, HostTensor> = {};
  for (const { name } of graph.inputs) {
    const value = values[name];
    if (value !== undefined) part[name] = value;
  }
  return part;
}
