/** Whole models as ONNX: folded batch norm, names, dynamic batch, and what the exporter refuses. */

import { fromBinary } from '@bufbuild/protobuf';
import {
  add,
  batchNorm,
  cast,
  concat,
  conv2d,
  defineOp,
  device,
  expand,
  full,
  type Graph,
  type HostTensor,
  hostTensor,
  iota,
  linear,
  maxPool2d,
  mean,
  mul,
  noGrad,
  prepare,
  relu,
  reshape,
  resize,
  scope,
  slice,
  sub,
  type Tensor,
  tensor,
  trace,
  transpose,
  Variable,
} from '@omma/core';
import { describe, expect, it } from 'vitest';
import { checkOnnx, defineRule, exportOnnx, openOnnx } from '../src/index.ts';
import { ModelProtoSchema } from '../src/proto/onnx_pb.ts';

const noise = (size: number, seed = 1) =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233));
const variable = (name: string, shape: number[], data = noise(shape.reduce((a, b) => a * b, 1))) =>
  new Variable(name, { shape, dtype: 'float32' }, data);

const variables = [
  variable('conv1.weight', [8, 3, 3, 3]),
  variable('bn1.weight', [8]),
  variable('bn1.bias', [8]),
  variable('bn1.running_mean', [8]),
  variable(
    'bn1.running_var',
    [8],
    noise(8).map((x) => x * x + 0.1),
  ),
  variable('fc.weight', [5, 8 * 4 * 4]),
  variable('fc.bias', [5]),
];

async function weights(of = variables): Promise<Record<string, HostTensor>> {
  return Object.fromEntries(await Promise.all(of.map(async (v) => [v.name, await v.download()] as const)));
}

const read = (name: string) => {
  const found = variables.find((v) => v.name === name);
  if (found === undefined) throw new Error(name);
  return found.read();
};

/** Bytes in, logits out: a small classifier with a residual connection. */
function classifier(batch: number): Graph {
  return trace(
    ({ image }) => {
      if (image === undefined) throw new Error('image');
      const pixels = cast(transpose(image, [0, 3, 1, 2]), 'float32');
      const normal = mul(sub(pixels, tensor([120, 110, 100], [1, 3, 1, 1])), 1 / 58);
      const y = scope('conv1', () => conv2d(normal, read('conv1.weight'), null, { padding: 1 }));
      const norm = scope('bn1', () =>
        batchNorm(
          y,
          read('bn1.weight'),
          read('bn1.bias'),
          read('bn1.running_mean'),
          read('bn1.running_var'),
          { eps: 1e-5 },
        ),
      );
      const pooled = maxPool2d(relu(norm), { kernel: 3, stride: 2, padding: 1 });
      const flat = reshape(pooled, [batch, -1]);
      return { logits: scope('fc', () => linear(flat, read('fc.weight'), read('fc.bias'))) };
    },
    { image: { shape: [batch, 8, 8, 3], dtype: 'uint8' } },
  );
}

const images = (batch: number) =>
  hostTensor(
    [batch, 8, 8, 3],
    'uint8',
    Uint8Array.from({ length: batch * 192 }, (_, i) => (i * 37) % 256),
  );

async function expected(
  graph: Graph,
  inputs: Record<string, HostTensor>,
): Promise<Record<string, HostTensor>> {
  const reference = device('reference');
  const state = new Map(
    await Promise.all(variables.map(async (v) => [v.name, await v.bufferOn(reference)] as const)),
  );
  const used = new Map(
    graph.state.flatMap(({ name }) => {
      const buffer = state.get(name);
      return buffer === undefined ? [] : [[name, buffer] as const];
    }),
  );
  const prepared = prepare(graph, reference, { amp: null, onUnsupported: 'error' });
  return (await reference.compile(prepared, { state: used })).run(inputs);
}

const parse = (bytes: Uint8Array) => {
  const { graph, ...model } = fromBinary(ModelProtoSchema, bytes);
  if (graph === undefined) throw new Error('no graph');
  return { model, graph, ops: graph.node.map((node) => node.opType) };
};

describe('a classifier', () => {
  it.each([17, 13])('computes the same in ONNX Runtime, at opset %i', async (opset) => {
    const graph = classifier(2);
    const bytes = exportOnnx(graph, { weights: await weights(), opset });
    const inputs = { image: images(2) };
    const { largestDifference, outputs } = await checkOnnx(bytes, inputs, await expected(graph, inputs));
    expect(outputs.map((output) => output.name)).toEqual(['logits']);
    expect(largestDifference).toBeLessThan(1e-3);
    expect(parse(bytes).model.opsetImport.map(({ version }) => version)).toEqual([BigInt(opset)]);
  });

  it('has its batch norm folded and its weights under their own names', async () => {
    const { graph, ops } = parse(exportOnnx(classifier(2), { weights: await weights() }));
    expect(ops).not.toContain('BatchNormalization');
    expect(ops).toContain('Conv');
    const names = graph.initializer.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['conv1.weight', 'conv1.bias', 'fc.weight', 'fc.bias']));
    expect(names.filter((name) => name.startsWith('bn1'))).toEqual([]);
    expect(graph.node.find((node) => node.opType === 'Gemm')?.output).toEqual(['logits']);
  });

  it('runs on any batch when it was traced at two', async () => {
    const bytes = exportOnnx(classifier(2), { weights: await weights(), dynamicBatch: classifier(3) });
    for (const batch of [1, 2, 5]) {
      const inputs = { image: images(batch) };
      const { largestDifference } = await checkOnnx(bytes, inputs, await expected(classifier(batch), inputs));
      expect(largestDifference).toBeLessThan(1e-3);
    }
    const dims = parse(bytes).graph.input[0]?.type?.value;
    expect(JSON.stringify(dims, (_, value) => (typeof value === 'bigint' ? Number(value) : value))).toContain(
      '"N"',
    );
  });

  it('keeps a batch norm whose convolution is used twice', async () => {
    const graph = trace(
      ({ x }) => {
        if (x === undefined) throw new Error('x');
        const y = conv2d(x, read('conv1.weight'), null, { padding: 1 });
        const norm = batchNorm(
          y,
          read('bn1.weight'),
          read('bn1.bias'),
          read('bn1.running_mean'),
          read('bn1.running_var'),
          { eps: 1e-5 },
        );
        return { sum: add(norm, y) };
      },
      { x: { shape: [1, 3, 6, 6], dtype: 'float32' } },
    );
    const bytes = exportOnnx(graph, { weights: await weights() });
    expect(parse(bytes).ops).toContain('BatchNormalization');
    const inputs = { x: hostTensor([1, 3, 6, 6], 'float32', noise(108)) };
    expect((await checkOnnx(bytes, inputs, await expected(graph, inputs))).largestDifference).toBeLessThan(
      1e-4,
    );
  });
});

describe('a dynamic batch', () => {
  /** Traces `body` at batches 2 and 3, exports, and compares at batch 5. */
  async function holds(body: (x: Tensor, batch: number) => Tensor): Promise<void> {
    const at = (batch: number) =>
      trace(
        ({ x }) => {
          if (x === undefined) throw new Error('x');
          return { y: body(x, batch) };
        },
        { x: { shape: [batch, 4, 6, 6], dtype: 'float32' } },
      );
    const bytes = exportOnnx(at(2), { weights: {}, dynamicBatch: at(3) });
    const inputs = { x: hostTensor([5, 4, 6, 6], 'float32', noise(5 * 144)) };
    expect((await checkOnnx(bytes, inputs, await expected(at(5), inputs))).largestDifference).toBeLessThan(
      1e-5,
    );
  }

  it('goes through reshapes that merge and split it', () =>
    holds((x, batch) => reshape(relu(reshape(x, [batch * 4, 6, 6])), [batch, 2, 72])));
  it('goes through expand, full and slices', () =>
    holds((x, batch) => {
      const token = expand(tensor([1, 2, 3, 4], [1, 4, 1, 1]), [batch, 4, 1, 6]);
      const padded = concat([x, token, full([batch, 4, 1, 6], 7)], 2);
      return slice(padded, { starts: [0, 0, 1, 0], ends: [batch, 4, 8, 6] });
    }));
  it('goes through resize', () => holds((x) => resize(x, { size: [9, 13], mode: 'bilinear' })));
  it('goes through counters along other axes', () =>
    holds((x, batch) => add(x, cast(iota([batch, 4, 6, 6], 3), 'float32'))));
  it('is refused where something else depends on it', async () => {
    await expect(holds((x, batch) => mul(x, 1 / batch))).rejects.toThrow(
      /depends on the batch size; export with a static batch/,
    );
    await expect(holds((x, batch) => add(x, cast(iota([batch, 4, 6, 6], 0), 'float32')))).rejects.toThrow(
      /iota counts along an extent that is not fixed; export with a static batch/,
    );
  });
});

describe('a dynamic picture size', () => {
  /** Traces `body` at 8 x 8 and 11 x 12, exports, and compares at other sizes, and other batches where `batches` says so. */
  async function holds(body: (x: Tensor) => Tensor, batches = false): Promise<void> {
    const at = (batch: number, height: number, width: number) =>
      trace(
        ({ x }) => {
          if (x === undefined) throw new Error('x');
          return { y: body(x) };
        },
        { x: { shape: [batch, 3, height, width], dtype: 'float32' } },
      );
    const bytes = exportOnnx(at(2, 8, 8), {
      weights: await weights(),
      dynamicSize: at(2, 11, 12),
      ...(batches ? { dynamicBatch: at(3, 8, 8) } : {}),
    });
    for (const [height, width] of [
      [8, 8],
      [9, 14],
    ] as const) {
      const batch = batches ? 5 : 2;
      const inputs = {
        x: hostTensor([batch, 3, height, width], 'float32', noise(batch * 3 * height * width)),
      };
      const wanted = await expected(at(batch, height, width), inputs);
      expect((await checkOnnx(bytes, inputs, wanted)).largestDifference).toBeLessThan(1e-5);
    }
  }
  const convolved = (x: Tensor) => relu(conv2d(x, read('conv1.weight'), null, { padding: 1, stride: 2 }));

  it('goes through convolutions, pooling, means over the picture', () =>
    holds((x) => mean(maxPool2d(convolved(x), { kernel: 3, stride: 2, padding: 1 }), { axes: [2, 3] })));
  it('together with a dynamic batch', () =>
    holds((x) => reshape(mean(convolved(x), { axes: [2, 3], keepDims: true }), [x.dim(0), -1]), true));
  it('goes through slices to the end and reshapes in which one extent follows it', () =>
    holds((x) => {
      const rows = mean(slice(x, { starts: [0, 0, 2, 3], ends: [2, 3, x.dim(2), x.dim(3)] }), { axes: [3] });
      return reshape(rows, [6, x.dim(2) - 2]);
    }));
  it('is refused where something is computed from it, or ends before it', async () => {
    await expect(holds((x) => mul(x, 1 / x.dim(2)))).rejects.toThrow(
      /depends on the picture's size; export with a fixed size/,
    );
    await expect(
      holds((x) => slice(x, { starts: [0, 0, 0, 0], ends: [2, 3, x.dim(2) - 1, x.dim(3)] })),
    ).rejects.toThrow(/an attribute of slice depends on the picture's size/);
    await expect(holds((x) => expand(reshape(tensor([1, 2, 3]), [1, 3, 1, 1]), x.shape))).rejects.toThrow(
      /expand computes with the picture's size; export with a fixed size/,
    );
    await expect(holds((x) => reshape(x, [x.dim(0) * 3 * x.dim(2) * x.dim(3)]), true)).rejects.toThrow(
      /follows both the batch and the picture's size/,
    );
  });
});

describe('the exporter refuses', () => {
  it('missing and misshapen weights, by name', async () => {
    const all = await weights();
    const { 'fc.bias': _, ...rest } = all;
    expect(() => exportOnnx(classifier(1), { weights: rest })).toThrow(
      /no weight is given for fc\.bias float32\[5\]/,
    );
    const wrong = { ...all, 'fc.bias': hostTensor([4], 'float32', new Float32Array(4)) };
    expect(() => exportOnnx(classifier(1), { weights: wrong })).toThrow(
      /fc\.bias should be float32\[5\] but is float32\[4\]/,
    );
  });

  it('an opset that it does not write', async () => {
    const all = await weights();
    expect(() => exportOnnx(classifier(1), { weights: all, opset: 11 })).toThrow(
      /opset must be one of 13, 17 but is 11/,
    );
  });

  it('a training step', () => {
    const counter = variable('counter', [1]);
    const graph = trace(() => {
      counter.write(add(counter.read(), 1));
      return { count: counter.read() };
    }, {});
    expect(() => exportOnnx(graph, { weights: {} })).toThrow(
      /writes state counter; export the inference graph/,
    );
  });

  it('an op without rule and lowering, by name and place, until a rule is defined', async () => {
    const odd = defineOp<Record<string, never>>({
      name: 'test.timesTwo',
      kind: 'elementwise',
      infer: ([x]) => ({ shape: x?.shape ?? [], dtype: 'float32' }),
      grad: noGrad('a test'),
      amp: 'follow',
      reference: ([x]) => Float64Array.from(x?.data ?? [], (value) => 2 * value),
      samples: [],
      errors: [],
    });
    const graph = trace(
      ({ x }) => ({ y: scope('block.0', () => (x === undefined ? full([1], 0) : odd.one([x], {}))) }),
      { x: { shape: [3], dtype: 'float32' } },
    );
    expect(() => exportOnnx(graph, { weights: {} })).toThrow(
      /test\.timesTwo at block\.0 cannot be written in ONNX opset 17 and has no lowering; add a rule/,
    );
    defineRule('test.timesTwo', (context) =>
      context.emit('Add', [context.input(0).name, context.input(0).name]),
    );
    const model = await openOnnx(exportOnnx(graph, { weights: {} }));
    const { y } = await model.run({ x: hostTensor([3], 'float32', Float32Array.of(1, 2, 3)) });
    expect([...(y?.data ?? [])]).toEqual([2, 4, 6]);
    await model.dispose();
  });
});
