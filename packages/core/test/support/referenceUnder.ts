/** The reference device under another name, for tests that watch or change what a device is asked. */

import { type Device, device } from '@omma/core';

/** Buffers, memory and numbers are the reference device's; `changes` take the place of its own members. */
export function referenceUnder(name: string, changes: Partial<Device> = {}): Device {
  const reference = device('reference');
  return {
    name,
    capabilities: reference.capabilities,
    supports: (node, graph) => reference.supports(node, graph),
    compile: (graph, options) => reference.compile(graph, options),
    allocate: (type) => reference.allocate(type),
    free: (buffer) => reference.free(buffer),
    upload: (buffer, data) => reference.upload(buffer, data),
    download: (buffer) => reference.download(buffer),
    memory: () => reference.memory(),
    synchronize: () => reference.synchronize(),
    dispose: () => undefined,
    ...changes,
  };
}
