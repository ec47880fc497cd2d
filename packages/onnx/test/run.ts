/** Runs step models with ONNX Runtime, and graphs on the reference device, the way a device runs steps: for tests. */

import { at, device, type Graph, type HostTensor, hostTensor, prepare, type Shape } from '@omma/core';
import * as runtime from 'onnxruntime-node';
import { type ElementArray, elementView, fromElements, toElements } from '../src/elementArray.ts';
import type { StepModel, StepPort } from '../src/index.ts';

type Tensors = Readonly<Record<string, HostTensor>>;

export function present<T>(value: T | undefined, what = 'a value'): T {
  if (value === undefined) throw new Error(`${what} is missing`);
  return value;
}

/** Runs one step. `state` is read and replaced, by slot. `minRank` is the dialect's: where it is 1, scalars are vectors of length 1. */
export async function runModel(
  model: StepModel,
  state: Map<string, HostTensor>,
  inputs: Tensors,
  minRank: 0 | 1 = 0,
): Promise<Record<string, HostTensor>> {
  const inFile = (shape: Shape) => (shape.length < minRank ? [1] : shape);
  const feeds: Record<string, runtime.Tensor> = {};
  const feed = ({ name, type, element }: StepPort, tensor: HostTensor | undefined) => {
    feeds[name] = tensorOf(toElements(present(tensor, name), element), element, inFile(type.shape));
  };
  for (const port of model.inputs) feed(port, inputs[port.port]);
  for (const { slot, input } of model.state) if (input !== null) feed(input, state.get(slot));
  if (model.host !== null) {
    const drawn = await runReference(model.host.graph, state, inputs);
    for (const port of model.host.feeds) feed(port, drawn[port.output]);
  }
  const session = await runtime.InferenceSession.create(model.bytes, { logSeverityLevel: 4 });
  try {
    const results = await session.run(feeds);
    const fetch = (port: StepPort) =>
      hostOf(port, inFile(port.type.shape), present(results[port.name], port.name));
    for (const { slot, output } of model.state) if (output !== null) state.set(slot, fetch(output));
    return Object.fromEntries(model.outputs.map((port) => [port.port, fetch(port)]));
  } finally {
    await session.release();
  }
}

function tensorOf(
  array: ElementArray,
  element: StepPort['element'],
  shape: readonly number[],
): runtime.Tensor {
  if (element === 'bfloat16') throw new Error('ONNX Runtime in JavaScript has no bfloat16');
  return new runtime.Tensor(element, array, shape);
}

function hostOf({ type, element }: StepPort, shape: Shape, { data, size, dims }: runtime.Tensor): HostTensor {
  if (!ArrayBuffer.isView(data)) throw new Error('strings');
  if (dims.join() !== shape.join()) throw new Error(`shape [${dims}] but [${shape}] is expected`);
  const array = elementView(element, data.buffer, data.byteOffset, size);
  return hostTensor(type.shape, type.dtype, fromElements(array, element, type.dtype));
}

/** The same on the reference device. */
export async function runReference(
  graph: Graph,
  state: Map<string, HostTensor>,
  inputs: Tensors,
): Promise<Record<string, HostTensor>> {
  const reference = device('reference');
  const buffers = new Map(
    graph.state.map(({ name, read }) => [name, reference.allocate(at(graph.values, read))]),
  );
  for (const [name, buffer] of buffers) await reference.upload(buffer, present(state.get(name), name).data);
  const prepared = prepare(graph, reference, { amp: null, onUnsupported: 'error' });
  const executable = await reference.compile(prepared, { state: buffers });
  const own = graph.inputs.map(({ name }) => [name, present(inputs[name], name)] as const);
  const outputs = await executable.run(Object.fromEntries(own));
  for (const [name, buffer] of buffers) {
    state.set(name, { ...buffer.type, data: await reference.download(buffer) });
    reference.free(buffer);
  }
  return outputs;
}
