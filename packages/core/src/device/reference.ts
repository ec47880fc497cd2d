/**
 * The reference device: the oracle that every other device is tested against.
 *
 * Runs a graph node by node with the plain TypeScript kernels of the op table. Float values are kept as float64 from the first
 * node to the last, so it also serves to check gradients by finite differences; values of a 16-bit type are rounded to it after
 * each node, because that is what they mean, and state to its own type after each step, because that is what a checkpoint keeps.
 * Slow, and complete: an op without a kernel runs through its lowering.
 */

import type { DType, HostArray } from '../dtype.ts';
import { DeviceError } from '../errors.ts';
import { type Graph, graphValue, type Node, type TensorType } from '../graph/graph.ts';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../half.ts';
import { at, opNamed } from '../op.ts';
import { sizeOf } from '../shape.ts';
import { type HostTensor, hostTensor } from '../tensor.ts';
import { type Device, type DeviceBuffer, type Executable, registerDevice } from './device.ts';
import { fromNumeric, type NumericArray, numericArray, toNumeric } from './numeric.ts';

class ReferenceBuffer implements DeviceBuffer {
  readonly type: TensorType;
  data: NumericArray;

  constructor(type: TensorType) {
    this.type = type;
    this.data = numericArray(type.dtype, sizeOf(type.shape));
  }
}

function roundInPlace(dtype: DType, data: NumericArray): void {
  if (dtype === 'bfloat16')
    for (let i = 0; i < data.length; i++) data[i] = fromBfloat16(toBfloat16(data[i] ?? 0));
  if (dtype === 'float16')
    for (let i = 0; i < data.length; i++) data[i] = fromFloat16(toFloat16(data[i] ?? 0));
}

/** Runs one node on numeric arrays. */
export function runNode(graph: Graph, node: Node, inputs: readonly NumericArray[]): readonly NumericArray[] {
  const definition = opNamed(node.op);
  if (definition.reference === undefined)
    throw new DeviceError(`reference: ${node.op} has no kernel; lower it first`);
  const arrays = node.inputs.map((id, i) => {
    const { shape, dtype } = graphValue(graph, id);
    return { shape, dtype, data: at(inputs, i) };
  });
  const types = node.outputs.map((id) => graphValue(graph, id));
  const result = definition.reference(arrays, node.attrs, types);
  const list = ArrayBuffer.isView(result) ? [result] : result;
  list.forEach((data, i) => {
    const { dtype, shape } = at(types, i);
    if (data.length !== sizeOf(shape)) {
      throw new Error(`reference: ${node.op} made ${data.length} elements for shape [${shape.join(', ')}]`);
    }
    roundInPlace(dtype, data);
  });
  return list;
}

class ReferenceDevice implements Device {
  readonly name = 'reference';
  readonly capabilities = {
    dtypes: ['float32', 'float16', 'bfloat16', 'int32', 'uint32', 'uint8', 'bool'],
    mixedPrecision: [],
    description: 'TypeScript, float64 inside; the oracle',
  } as const;
  #live = 0;
  #peak = 0;

  supports(node: Node): true | string {
    return opNamed(node.op).reference !== undefined || 'no reference kernel';
  }

  async compile(graph: Graph, options: { state: ReadonlyMap<string, DeviceBuffer> }): Promise<Executable> {
    const buffers = graph.state.map((slot) => this.#own(options.state.get(slot.name), slot.name));
    return {
      run: async (inputs) => run(graph, buffers, inputs),
      bytes: 0,
      profile: () => [],
      dispose: () => undefined,
    };
  }

  allocate(type: TensorType): DeviceBuffer {
    const buffer = new ReferenceBuffer(type);
    this.#live += buffer.data.byteLength;
    this.#peak = Math.max(this.#peak, this.#live);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    this.#live -= this.#own(buffer, 'free').data.byteLength;
  }

  async upload(buffer: DeviceBuffer, data: HostArray): Promise<void> {
    this.#own(buffer, 'upload').data = toNumeric(buffer.type.dtype, data);
  }

  async download(buffer: DeviceBuffer): Promise<HostArray> {
    return fromNumeric(buffer.type.dtype, this.#own(buffer, 'download').data);
  }

  memory() {
    return { live: this.#live, peak: this.#peak };
  }

  async synchronize(): Promise<void> {}

  dispose(): void {}

  #own(buffer: DeviceBuffer | undefined, what: string): ReferenceBuffer {
    if (buffer instanceof ReferenceBuffer) return buffer;
    throw new DeviceError(`reference: ${what}: the buffer is missing or belongs to another device`);
  }
}

/** One run. A value is dropped after its last use, so memory stays near what the graph needs. */
function run(
  graph: Graph,
  state: readonly ReferenceBuffer[],
  inputs: Readonly<Record<string, HostTensor>>,
): Record<string, HostTensor> {
  const values = new Map<number, NumericArray>();
  for (const port of graph.inputs) {
    const host = inputs[port.name];
    const { shape, dtype } = graphValue(graph, port.value);
    if (host === undefined) throw new DeviceError(`reference: input ${port.name} is missing`);
    values.set(port.value, toNumeric(dtype, hostTensor(shape, dtype, host.data).data));
  }
  graph.state.forEach((slot, i) => {
    values.set(slot.read, at(state, i).data);
  });
  const get = (id: number): NumericArray => {
    const data = values.get(id);
    if (data === undefined) throw new Error(`reference: value %${id} is used before it is made`);
    return data;
  };
  const lastUse = lastUses(graph);
  graph.nodes.forEach((node, index) => {
    const results = runNode(graph, node, node.inputs.map(get));
    node.outputs.forEach((id, i) => {
      values.set(id, at(results, i));
    });
    for (const id of node.inputs) if (lastUse.get(id) === index) values.delete(id);
  });
  graph.state.forEach((slot, i) => {
    if (slot.write === null) return;
    const buffer = at(state, i);
    buffer.data = kept(buffer.type.dtype, get(slot.write));
  });
  const outputs: Record<string, HostTensor> = {};
  for (const port of graph.outputs) {
    const { shape, dtype } = graphValue(graph, port.value);
    outputs[port.name] = { shape, dtype, data: fromNumeric(dtype, get(port.value)) };
  }
  return outputs;
}

/** A copy of `data` as the next step finds it: what a checkpoint holds, so that a resumed run goes on from the same bits. */
function kept(dtype: DType, data: NumericArray): NumericArray {
  return toNumeric(dtype, fromNumeric(dtype, data));
}

function lastUses(graph: Graph): Map<number, number> {
  const uses = new Map<number, number>();
  graph.nodes.forEach((node, index) => {
    for (const id of node.inputs) uses.set(id, index);
  });
  for (const port of graph.outputs) uses.delete(port.value);
  for (const slot of graph.state) if (slot.write !== null) uses.delete(slot.write);
  return uses;
}

registerDevice({
  name: 'reference',
  priority: 0,
  available: () => true,
  create: () => new ReferenceDevice(),
});
