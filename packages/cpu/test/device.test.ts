/** What the CPU device says to wrong use, and what it tells about itself. */
import { spawnSync } from 'node:child_process';
import {
  type Attributes,
  compile,
  conv2d,
  DeviceError,
  type Graph,
  hostTensor,
  relu,
  type Shape,
  type TensorType,
} from '@omma/core';
import { afterAll, describe, expect, it } from 'vitest';
import { createCpuDevice } from '../src/index.ts';
import { random } from './random.ts';

const cpu = createCpuDevice();
afterAll(() => cpu.dispose());
const none = { state: new Map() };

/** One node of one input. */
function single(op: string, attrs: Attributes, from: TensorType, to: TensorType, scope = ''): Graph {
  return {
    values: [
      { id: 0, producer: null, ...from },
      { id: 1, producer: 0, ...to },
    ],
    nodes: [{ op, inputs: [0], attrs, outputs: [1], scope }],
    inputs: [{ name: 'x', value: 0 }],
    outputs: [{ name: 'y', value: 1 }],
    state: [],
  };
}
const float = (shape: Shape): TensorType => ({ shape, dtype: 'float32' });

describe('the cpu device', () => {
  it('describes processor and library', () => {
    expect(cpu.capabilities.description).toMatch(/, .*threads?, oneDNN \d+\.\d+/);
  });

  it('names the input that is missing, or of another type or length', async () => {
    const executable = await cpu.compile(single('relu', {}, float([4]), float([4])), none);
    await expect(executable.run({})).rejects.toThrow(/^cpu: input x \(float32\[4\]\) is missing$/);
    const wrong = hostTensor([2], 'float32', Float32Array.of(1, 2));
    await expect(executable.run({ x: wrong })).rejects.toThrow(
      /input x must be float32\[4\] but is float32\[2\]/,
    );
    const short = { ...float([4]), data: Float32Array.of(1) };
    await expect(executable.run({ x: short })).rejects.toThrow(/must bring 4 float32 elements/);
    executable.dispose();
  });

  it('refuses to run a disposed program', async () => {
    const executable = await cpu.compile(single('relu', {}, float([4]), float([4])), none);
    executable.dispose();
    await expect(executable.run({ x: random([4], 1) })).rejects.toThrow(/the program was disposed/);
  });

  it('names op and scope of a node that it cannot make', async () => {
    const unknown = single('unheardOf', {}, float([4]), float([4]), 'backbone.layer1');
    await expect(cpu.compile(unknown, none)).rejects.toThrow(
      /^cpu: unheardOf at backbone\.layer1: no kernel$/,
    );
    const alone = single(
      'matmul',
      { transposeA: false, transposeB: false },
      float([4, 5]),
      float([4, 4]),
      'neck',
    );
    await expect(cpu.compile(alone, none)).rejects.toThrow(/^cpu: matmul at neck: wrong number of operands$/);
    const impossible = { ...alone, nodes: alone.nodes.map((node) => ({ ...node, inputs: [0, 0] })) };
    await expect(cpu.compile(impossible, none)).rejects.toThrow(DeviceError);
    await expect(cpu.compile(impossible, none)).rejects.toThrow(/^cpu: matmul at neck: oneDNN /);
  });

  it('says why it does not support a node', () => {
    const graph = single('unheardOf', {}, float([4]), float([4]));
    const node = graph.nodes[0];
    if (node !== undefined) expect(cpu.supports(node, graph)).toBe('no kernel');
  });

  it('refuses a program that does not fit into memory, with the numbers', async () => {
    const huge = float([64, 1024, 8192, 8192]);
    await expect(cpu.compile(single('exp', {}, huge, huge), none)).rejects.toThrow(
      /not enough memory: .* needs \d+ MiB for intermediates.* \d+ MiB are available/,
    );
  });

  it('refuses buffers of other devices, of other shapes, and none at all', async () => {
    const graph: Graph = {
      ...single('relu', {}, float([4]), float([4])),
      inputs: [],
      state: [{ name: 'w', read: 0, write: null }],
    };
    await expect(cpu.compile(graph, none)).rejects.toThrow(/no buffer is given for state w/);
    const other = cpu.allocate(float([5]));
    await expect(cpu.compile(graph, { state: new Map([['w', other]]) })).rejects.toThrow(
      /buffer given for state w is float32\[5\] but must be float32\[4\]/,
    );
    const foreign = { type: float([4]) };
    await expect(cpu.compile(graph, { state: new Map([['w', foreign]]) })).rejects.toThrow(
      /belongs to another device/,
    );
    await expect(cpu.upload(other, new Float32Array(4))).rejects.toThrow(
      /needs a Float32Array of 5 elements/,
    );
    cpu.free(other);
    await expect(cpu.download(other)).rejects.toThrow(/the buffer was freed/);
  });

  it('profiles every node with its place, bytes and arithmetic', async () => {
    const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 };
    const graph = single('conv2d', attrs, float([1, 8, 8, 8]), float([1, 8, 8, 8]), 'stem');
    const withWeight: Graph = {
      ...graph,
      values: [...graph.values, { id: 2, producer: null, ...float([8, 8, 3, 3]) }],
      nodes: graph.nodes.map((node) => ({ ...node, inputs: [0, 2] })),
      inputs: [...graph.inputs, { name: 'w', value: 2 }],
    };
    const executable = await cpu.compile(withWeight, { state: new Map(), profile: true });
    for (let run = 0; run < 2; run++)
      await executable.run({ x: random([1, 8, 8, 8], 1), w: random([8, 8, 3, 3], 2) });
    const node = executable.profile().find((entry) => entry.op === 'conv2d');
    expect(node).toMatchObject({ scope: 'stem', runs: 2, flops: 2 * 8 * 8 * 64 * 9 });
    expect(node?.milliseconds).toBeGreaterThan(0);
    executable.dispose();
  });

  it('runs what a function makes of it: convolution, bias and activation as one node', async () => {
    const run = compile(
      ({ x, w }) => ({
        y: x === undefined || w === undefined ? relu(x ?? w ?? never()) : relu(conv2d(x, w)),
      }),
      { device: cpu, profile: true },
    );
    const executable = await run.prepare({ x: float([1, 8, 6, 6]), w: float([8, 8, 3, 3]) });
    expect(
      executable
        .profile()
        .filter((node) => node.op !== 'reorder')
        .map((node) => node.op),
    ).toEqual(['fusedConv2d']);
    run.dispose();
  });

  it('lets the process end while a program runs', () => {
    const script = `
      const { createCpuDevice } = await import('@omma/cpu');
      const cpu = createCpuDevice();
      const attrs = { transposeA: false, transposeB: false };
      const graph = { values: [0, 1].map((id) => ({ id, producer: id === 0 ? null : 0, shape: [1500, 1500], dtype: 'float32' })),
        nodes: [{ op: 'matmul', inputs: [0, 0], attrs, outputs: [1], scope: '' }],
        inputs: [{ name: 'x', value: 0 }], outputs: [{ name: 'y', value: 1 }], state: [] };
      const executable = await cpu.compile(graph, { state: new Map() });
      void executable.run({ x: { shape: [1500, 1500], dtype: 'float32', data: new Float32Array(1500 * 1500) } });
      process.exit(7);`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(7);
  });

  it('refuses a number of threads that is none', () => {
    const before = process.env.OMMA_NUM_THREADS;
    process.env.OMMA_NUM_THREADS = 'many';
    expect(createCpuDevice).toThrow(/OMMA_NUM_THREADS must be a whole number from 1 to 1024 but is many/);
    if (before === undefined) delete process.env.OMMA_NUM_THREADS;
    else process.env.OMMA_NUM_THREADS = before;
  });

  it('answers promises given before it was disposed, and refuses those after', async () => {
    const own = createCpuDevice();
    const buffer = own.allocate(float([3]));
    const uploaded = own.upload(buffer, Float32Array.of(1, 2, 3));
    await uploaded;
    own.dispose();
    await expect(own.download(buffer)).rejects.toThrow(/the device was disposed/);
  });
});

function never(): never {
  throw new Error('an input is missing');
}
