/**
 * A graph that takes nothing to the chip: a constant, perhaps with state that only the host draws from. Ascend's compiler refuses models that
 * have no input (E16001), so core's reference device runs the whole of it.
 */

import type { Device, DeviceBuffer, Executable, Graph } from '@omma/core';
import { StepHost } from '@omma/onnx';

/** `state` are the buffers of `on`, by name. */
export async function constantExecutable(
  graph: Graph,
  on: Device,
  state: ReadonlyMap<string, DeviceBuffer>,
): Promise<Executable> {
  const slots = [...state].map(
    ([name, buffer]) =>
      [
        name,
        {
          read: () => on.download(buffer),
          write: (data: Parameters<Device['upload']>[1]) => on.upload(buffer, data),
        },
      ] as const,
  );
  const host = await StepHost.create(graph, new Map(slots));
  return {
    run: async (inputs) => {
      const { outputs, commit } = await host.run(inputs);
      await commit();
      return outputs;
    },
    bytes: 0,
    profile: () => [],
    dispose: () => host.dispose(),
  };
}
