/** The parts of data parallel training, one by one: buckets, shards, gathered text, the check for equal state, host communicators. */

import {
  allGatherHost,
  allReduceHost,
  compile,
  DeviceError,
  device,
  HostCommunicator,
  hostTensor,
  mean,
  mul,
  type Tensor,
  type TensorRecord,
  Variable,
} from '@omma/core';
import { Linear, Module } from '@omma/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { gatherPredictions } from '../../src/distributed/gather.ts';
import { allGatherText, broadcastText } from '../../src/distributed/text.ts';
import {
  BatchLoader,
  broadcastVariables,
  buildOptimizer,
  checkEqual,
  compileDataParallelStep,
  GradientBuckets,
  type Losses,
  ProcessGroup,
  type TrainableModel,
  TrainState,
} from '../../src/index.ts';
import { Stripes } from '../support/stripes.ts';
import { environment, freePort } from './support/ports.ts';

const open: ProcessGroup[] = [];

afterEach(async () => {
  for (const group of open.splice(0)) await group.dispose();
});

async function pair(): Promise<[ProcessGroup, ProcessGroup]> {
  const port = await freePort();
  const [a, b] = await Promise.all([0, 1].map((rank) => ProcessGroup.join(environment(rank, 2, port))));
  if (a === undefined || b === undefined) throw new Error('no groups');
  open.push(a, b);
  return [a, b];
}

const inputs = {
  a: hostTensor([2, 3], 'float32', Float32Array.of(1, 2, 3, 4, 5, 6)),
  b: hostTensor([], 'float32', Float32Array.of(7)),
  c: hostTensor([4], 'float32', Float32Array.of(8, 9, 10, 11)),
};

describe('gradient buckets', () => {
  it.each([
    [1000, [11]],
    [28, [7, 4]],
    [4, [6, 1, 4]],
  ])('of %i bytes have the sizes %j and give the tensors back', async (bytes, sizes) => {
    const buckets = new GradientBuckets('test.buckets', bytes);
    const on = device('reference');
    const pack = compile(
      (tensors) => {
        buckets.pack(new Map(Object.entries(tensors)), 0.5);
        return {};
      },
      { device: on },
    );
    await pack(inputs);
    expect(buckets.variables.map(({ shape }) => shape)).toEqual(sizes.map((size) => [size]));
    const unpack = compile(() => Object.fromEntries(buckets.unpack()), { device: on });
    const found = await unpack();
    for (const [name, { shape, data }] of Object.entries(inputs)) {
      expect(found[name]).toEqual(
        hostTensor(
          shape,
          'float32',
          Float32Array.from(data, (value) => value / 2),
        ),
      );
    }
    buckets.release();
  });

  it('refuse other tensors than before', async () => {
    const buckets = new GradientBuckets('test.buckets');
    const pack = compile(
      (tensors) => {
        buckets.pack(new Map(Object.entries(tensors)), 1);
        return {};
      },
      { device: 'reference' },
    );
    await pack(inputs);
    await expect(pack({ a: inputs.a })).rejects.toThrow(/have changed \(3 before, 1 now\)/);
    buckets.release();
  });
});

describe('shards', () => {
  const dataset = new Stripes({ length: 22 });
  const indices = async (training: boolean, batchSize: number, shard?: { rank: number; size: number }) => {
    const options = { batchSize, training, seed: 3, ...(shard === undefined ? {} : { shard }) };
    const loader = new BatchLoader(dataset, options);
    const batches = [];
    for await (const batch of loader.epoch(2)) batches.push(batch);
    expect(batches).toHaveLength(loader.batchesPerEpoch);
    return batches.map((batch) => batch.indices.slice(0, batch.count));
  };

  it('of a training step are together the step of one rank with the batch of all', async () => {
    const whole = await indices(true, 6);
    const parts = await Promise.all([0, 1, 2].map((rank) => indices(true, 2, { rank, size: 3 })));
    expect(whole).toHaveLength(3);
    expect(whole.map((_, step) => parts.flatMap((part) => part[step] ?? []))).toEqual(whole);
  });

  it('of an evaluation cover every sample once, in order, and ranks without samples take part', async () => {
    const parts = await Promise.all([0, 1, 2].map((rank) => indices(false, 5, { rank, size: 3 })));
    expect(parts.map((part) => part.map((batch) => batch.length))).toEqual([
      [5, 5],
      [5, 2],
      [5, 0],
    ]);
    const steps = [0, 1].flatMap((step) => parts.flatMap((part) => part[step] ?? []));
    expect(steps).toEqual(Array.from({ length: 22 }, (_, i) => i));
  });

  it('count the samples of all ranks', () => {
    const loader = new BatchLoader(dataset, {
      batchSize: 4,
      training: true,
      seed: 0,
      shard: { rank: 1, size: 2 },
    });
    expect([loader.samplesPerStep, loader.batchesPerEpoch, loader.samplesPerEpoch]).toEqual([8, 2, 16]);
  });
});

describe('text', () => {
  it('of any length is gathered from all ranks, and sent from rank 0', async () => {
    const [a, b] = await pair();
    const texts = await Promise.all([allGatherText(a, 'grün'), allGatherText(b, '')]);
    expect(texts).toEqual([
      ['grün', ''],
      ['grün', ''],
    ]);
    expect(await Promise.all([broadcastText(a, 'ä'), broadcastText(b, 'ignored')])).toEqual(['ä', 'ä']);
  });
});

describe('equal state', () => {
  const variables = (value: number) => [
    new Variable('first', { shape: [2], dtype: 'float32' }, Float32Array.of(1, 2)),
    new Variable('second', { shape: [], dtype: 'int32' }, Int32Array.of(value)),
  ];

  it('is what rank 0 gives to all', async () => {
    const groups = await pair();
    const own = groups.map((_, rank) => variables(rank));
    const on = device('reference');
    await Promise.all(
      groups.map((group, rank) => broadcastVariables(new HostCommunicator(on, group), own[rank] ?? [])),
    );
    await Promise.all(groups.map((group, rank) => checkEqual(group, own[rank] ?? [], 'at the start')));
    expect((await own[1]?.[1]?.download())?.data[0]).toBe(0);
  });

  it('is checked, and the variable that differs is named on every rank', async () => {
    const groups = await pair();
    const checks = groups.map((group, rank) => checkEqual(group, variables(rank), 'after epoch 3'));
    const message = /^distributed: second differs after epoch 3 between rank 0 and rank 1;/;
    await Promise.all(checks.map((check) => expect(check).rejects.toThrow(message)));
  });
});

describe('a communicator by way of host memory', () => {
  it('works on buffers and host tensors of a device', async () => {
    const groups = await pair();
    const on = device('reference');
    const results = await Promise.all(
      groups.map(async (group) => {
        const communicator = new HostCommunicator(on, group);
        const { rank } = communicator;
        const part = on.allocate({ shape: [2], dtype: 'int32' });
        const whole = on.allocate({ shape: [4], dtype: 'int32' });
        await on.upload(part, Int32Array.of(rank, 10));
        await communicator.allGather(part, whole);
        const gathered = [...(await on.download(whole))];
        await communicator.reduceScatter(whole, part, 'sum');
        const scattered = [...(await on.download(part))];
        await communicator.broadcast(part, 1);
        const sent = [...(await on.download(part))];
        await communicator.allReduce(part, 'max');
        await communicator.barrier();
        const tensor = hostTensor([1], 'uint8', Uint8Array.of(rank + 1));
        const all = await allGatherHost(communicator, tensor);
        const sum = await allReduceHost(communicator, tensor, 'sum');
        on.free(part);
        on.free(whole);
        return [gathered, scattered, sent, all.map(({ data }) => data[0]), sum.data[0]];
      }),
    );
    expect(results).toEqual([
      [[0, 10, 1, 10], [0, 20], [2, 20], [1, 2], 3],
      [[0, 10, 1, 10], [2, 20], [2, 20], [1, 2], 3],
    ]);
  });

  it('refuses a whole that is not of the size of all parts', async () => {
    const [group] = await pair();
    const on = device('reference');
    const communicator = new HostCommunicator(on, group);
    const part = on.allocate({ shape: [2], dtype: 'int32' });
    await expect(communicator.allGather(part, part)).rejects.toThrow(DeviceError);
    await expect(communicator.allGather(part, part)).rejects.toThrow(/2 times the elements of a part/);
    on.free(part);
  });
});

describe('gathered predictions', () => {
  const predictions = (length: number) => ({
    outputs: { scores: hostTensor([1], 'float32', Float32Array.of(length)) },
    batch: {
      inputs: { mask: hostTensor([1, length], 'uint8', new Uint8Array(length)) },
      count: 1,
      indices: [length],
      skipped: [],
    },
  });
  const gathered = async (lengths: readonly number[]) => {
    const groups = await pair();
    const on = device('reference');
    return groups.map((group, rank) =>
      gatherPredictions(new HostCommunicator(on, group), predictions(lengths[rank] ?? 0), ['mask']),
    );
  };

  it('are those of all ranks, in their order', async () => {
    const all = await Promise.all(await gathered([4, 4]));
    for (const steps of all) expect(steps.map(({ batch }) => batch.indices)).toEqual([[4], [4]]);
  });

  it('are refused on every rank when one has padded its pictures to another size', async () => {
    const message = /^evaluation: rank 0 has 16 bytes of predictions .* rank 1 has 18;/;
    await Promise.all((await gathered([4, 6])).map((step) => expect(step).rejects.toThrow(message)));
  });
});

/** A model whose gradient is as large as its labels. */
class Weighted extends Module implements TrainableModel {
  readonly fc = new Linear(2, 1);

  override forward(x: Tensor): Tensor {
    return this.fc.call(x);
  }

  loss({ x, label }: TensorRecord): Losses {
    if (x === undefined || label === undefined) throw new Error('no x or no label');
    return { loss: mean(mul(this.call(x), label)) };
  }

  predict(): TensorRecord {
    return {};
  }
}

describe('the data parallel step', () => {
  it('is skipped by all ranks when float16 overflows on one, and taken by all when it does not', async () => {
    const groups = await pair();
    const on = device('reference');
    const ranks = groups.map((group) => {
      const model = new Weighted();
      model.assignNames();
      const state = new TrainState(model, buildOptimizer({ type: 'SGD', lr: 1 }), {
        seed: 0,
        lossScale: {},
        lr: 1,
      });
      const communicator = new HostCommunicator(on, group);
      const options = {
        device: on,
        amp: 'float16',
        clipGrad: null,
        communicator,
        stopping: () => false,
      } as const;
      return { state, step: compileDataParallelStep(state, options) };
    });
    await Promise.all(ranks.map(({ state }) => state.lossScale?.scale.upload(Float32Array.of(8))));
    const stepWith = (labels: readonly number[]) =>
      Promise.all(
        ranks.map(({ step }, rank) =>
          step({
            x: hostTensor([1, 2], 'float32', Float32Array.of(1, 2)),
            label: hostTensor([1, 1], 'float32', Float32Array.of(labels[rank] ?? 0)),
            lr: hostTensor([], 'float32', Float32Array.of(1)),
          }),
        ),
      );
    const stateOf = ({ state: { model, lossScale } }: (typeof ranks)[number]) =>
      Promise.all(
        [...model.parameters(), ...(lossScale === null ? [] : [lossScale.scale, lossScale.goodSteps])].map(
          async (variable) => [...(await variable.download()).data],
        ),
      );
    // 8 times 1e5 is beyond float16; rank 0 alone would go on.
    await stepWith([1, 1e5]);
    for (const rank of ranks) expect(await stateOf(rank)).toEqual([[0, 0], [0], [4], [0]]);
    await stepWith([1, 3]);
    for (const rank of ranks) expect(await stateOf(rank)).toEqual([[-2, -4], [-2], [4], [1]]);
    for (const { step } of ranks) step.dispose();
  });
});
