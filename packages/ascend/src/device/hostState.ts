/** State that a step's host part draws random numbers from lives on the host. */

import { DeviceError, type HostArray, sizeOf } from '@omma/core';
import { elementView, fromElements, type HostState } from '@omma/onnx';
import type { AscendBuffer } from './buffer.ts';
import type { CommandQueue } from './commandQueue.ts';

/** Moves the state called `name` of `device` to the host, and gives it as the host's part of a step sees it. */
export async function moveToHost(
  queue: CommandQueue,
  device: string,
  name: string,
  buffer: AscendBuffer,
): Promise<HostState> {
  await queue.enqueue(async () => {
    if (buffer.host === null) {
      buffer.host = await readNow(queue, buffer);
      void queue.askNow({ type: 'free', buffer: buffer.id }, 'freeing memory').catch(() => undefined);
    }
    return { ended: Promise.resolve(null) };
  });
  const kept = () => {
    if (buffer.host === null)
      throw new DeviceError(`${device}: state ${name} was freed while a step uses it`);
    return buffer.host;
  };
  return {
    read: async () => kept().slice(),
    write: (data: HostArray) => {
      kept();
      buffer.host = data;
    },
  };
}

/** The numbers of a buffer that is on the device, asked for at once. */
export async function readNow(queue: CommandQueue, buffer: AscendBuffer): Promise<HostArray> {
  const doing = `downloading ${buffer.bytes} bytes`;
  const bytes = await queue.askNow({ type: 'download', buffer: buffer.id }, doing);
  const elements = elementView(buffer.element, bytes.buffer, bytes.byteOffset, sizeOf(buffer.type.shape));
  return fromElements(elements, buffer.element, buffer.type.dtype);
}
