/**
 * The smallest device that is one: it runs six ops in float32 and leaves the rest to lowering. Written from outside, against the
 * public contract only.
 */
import {
  type Device,
  type DeviceBuffer,
  type Executable,
  type Graph,
  graphValue,
  type HostArray,
  type HostTensor,
  hostArray,
  type Node,
  registerDevice,
  sizeOf,
  spread,
  type TensorType,
} from '@omma/core';

const kernels: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  sqrt: (a) => Math.sqrt(a),
  square: (a) => a * a,
};

class ToyBuffer implements DeviceBuffer {
  readonly type: TensorType;
  data: HostArray;

  constructor(type: TensorType) {
    this.type = type;
    this.data = hostArray(type.dtype, sizeOf(type.shape));
  }
}

export class ToyDevice implements Device {
  readonly name = 'toy';
  readonly capabilities = {
    dtypes: ['float32'],
    mixedPrecision: [],
    description: 'six ops, for a test',
  } as const;
  /** Every op that was run, in order. */
  readonly ran: string[] = [];
  #live = 0;
  #peak = 0;

  supports(node: Node, graph: Graph): true | string {
    if (node.op !== 'full' && !(node.op in kernels)) return 'toy knows six ops';
    const values = [...node.inputs, ...node.outputs];
    return values.every((id) => graphValue(graph, id).dtype === 'float32') || 'toy knows float32 alone';
  }

  async compile(graph: Graph, { state }: { state: ReadonlyMap<string, DeviceBuffer> }): Promise<Executable> {
    return {
      run: async (inputs) => this.#run(graph, state, inputs),
      bytes: 0,
      profile: () => [],
      dispose: () => undefined,
    };
  }

  allocate(type: TensorType): DeviceBuffer {
    const buffer = new ToyBuffer(type);
    this.#live += buffer.data.byteLength;
    this.#peak = Math.max(this.#peak, this.#live);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    this.#live -= own(buffer).data.byteLength;
  }

  async upload(buffer: DeviceBuffer, data: HostArray): Promise<void> {
    own(buffer).data = data.slice();
  }

  async download(buffer: DeviceBuffer): Promise<HostArray> {
    return own(buffer).data;
  }

  memory() {
    return { live: this.#live, peak: this.#peak };
  }

  async synchronize(): Promise<void> {}

  dispose(): void {}

  #run(graph: Graph, state: ReadonlyMap<string, DeviceBuffer>, inputs: Readonly<Record<string, HostTensor>>) {
    const values = new Map<number, HostArray>();
    const data = (id: number) => values.get(id) ?? hostArray('float32', sizeOf(graphValue(graph, id).shape));
    for (const port of graph.inputs) values.set(port.value, inputs[port.name]?.data ?? new Float32Array(0));
    for (const slot of graph.state) values.set(slot.read, own(state.get(slot.name)).data);
    for (const node of graph.nodes) {
      this.ran.push(node.op);
      const id = node.outputs[0] ?? 0;
      const { shape } = graphValue(graph, id);
      if (node.op === 'full') values.set(id, new Float32Array(sizeOf(shape)).fill(Number(node.attrs.value)));
      else values.set(id, elementwise(graph, node, shape, data));
    }
    for (const slot of graph.state) {
      if (slot.write !== null) own(state.get(slot.name)).data = data(slot.write).slice();
    }
    const named = graph.outputs.map(({ name, value }) => {
      const { shape, dtype } = graphValue(graph, value);
      return [name, { shape, dtype, data: data(value) }] as const;
    });
    return Object.fromEntries(named);
  }
}

function elementwise(
  graph: Graph,
  node: Node,
  shape: readonly number[],
  data: (id: number) => HostArray,
): Float32Array {
  const [a, b] = node.inputs.map((id) => spread({ ...graphValue(graph, id), data: data(id) }, shape));
  const kernel = kernels[node.op];
  const out = new Float32Array(sizeOf(shape));
  for (let i = 0; i < out.length; i++) out[i] = kernel?.(a?.[i] ?? 0, b?.[i] ?? 0) ?? Number.NaN;
  return out;
}

function own(buffer: DeviceBuffer | undefined): ToyBuffer {
  if (buffer instanceof ToyBuffer) return buffer;
  throw new Error('toy: a buffer of another device');
}

registerDevice({ name: 'toy', priority: -1, available: () => true, create: () => new ToyDevice() });
