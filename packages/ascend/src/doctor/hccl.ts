/**
 * HCCL between the chips of this machine, each driven from its own thread of this process: a sum, a broadcast and a gathering, whose results are known, and
 * the time of a sum of the size that training uses.
 */

import {
  at,
  type Communicator,
  type DeviceBuffer,
  type HostArray,
  type Rendezvous,
  type TensorType,
} from '@omma/core';
import type { AscendDevice } from '../device/device.ts';

/** An odd number, which no number of ranks divides. */
const few = 1003;
/** 25 MiB, as a bucket of gradients. */
const many = (25 * 2 ** 20) / 4;

/** Tries HCCL between `devices`, two or more; what was found, in a line. Throws when something is wrong. */
export async function examineHccl(devices: readonly AscendDevice[]): Promise<string> {
  const groups = rendezvous(devices.length);
  const all = await together(devices.map((device, rank) => device.connect(at(groups, rank))));
  try {
    await checkResults(all);
    const milliseconds = await timeOfSum(all);
    return `sum, broadcast and gathering are right; a sum of 25 MiB takes ${milliseconds.toFixed(1)} ms`;
  } finally {
    await together(all.map((communicator) => communicator.dispose()));
  }
}

/** Waits for all of them also when one fails; then throws what that says. */
async function together<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Places at which the ranks of one process find each other. */
function rendezvous(size: number): Rendezvous[] {
  const values = new Map<string, Uint8Array>();
  const waiting = new Map<string, ((value: Uint8Array) => void)[]>();
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    set: async (key, value) => {
      values.set(key, value);
      for (const tell of waiting.get(key) ?? []) tell(value);
    },
    get: (key) => {
      const known = values.get(key);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => waiting.set(key, [...(waiting.get(key) ?? []), resolve]));
    },
  }));
}

/** Rank r holds (r + 1) * (i + 1) at place i: whole numbers, whose sums are exact. */
async function checkResults(all: readonly Communicator[]): Promise<void> {
  const size = all.length;
  const value = (rank: number, i: number) => (rank + 1) * ((i % 100) + 1);
  const own = all.map((_, rank) => Float32Array.from({ length: few }, (__, i) => value(rank, i)));
  const ranks = (size * (size + 1)) / 2;
  const sum = (i: number) => ranks * value(0, i);
  await checked('all-reduce', all, own, (communicator, buffer) => communicator.allReduce(buffer, 'sum'), sum);
  const last = size - 1;
  await checked(
    'broadcast',
    all,
    own,
    (communicator, buffer) => communicator.broadcast(buffer, last),
    (i) => value(last, i),
  );
  const gather = async (communicator: Communicator, source: DeviceBuffer, target: DeviceBuffer) =>
    communicator.allGather(source, target);
  await checked('all-gather', all, own, gather, (i) => value(Math.floor(i / few), i % few), size * few);
}

type Collective = (communicator: Communicator, buffer: DeviceBuffer, target: DeviceBuffer) => Promise<void>;

/** Runs `collective` on all ranks and compares what each has then, in the buffer or in a target of `length` elements. */
async function checked(
  what: string,
  all: readonly Communicator[],
  own: readonly HostArray[],
  collective: Collective,
  expected: (i: number) => number,
  length = few,
): Promise<void> {
  await together(
    all.map(async (communicator, rank) => {
      const made = await withBuffers(communicator, [few, length], async ([buffer, target]) => {
        await communicator.device.upload(buffer, at(own, rank));
        await collective(communicator, buffer, target);
        return communicator.device.download(length === few ? buffer : target);
      });
      const wrong = Array.from(made, Number).findIndex((value, i) => value !== expected(i));
      if (wrong < 0) return;
      throw new Error(
        `${what}: rank ${rank} on ${communicator.device.name} has ${made[wrong]} at element ${wrong}, not ${expected(wrong)}`,
      );
    }),
  );
}

async function timeOfSum(all: readonly Communicator[]): Promise<number> {
  const times = await together(
    all.map((communicator) =>
      withBuffers(communicator, [many, 1], async ([buffer]) => {
        await communicator.device.upload(buffer, new Float32Array(many));
        await communicator.allReduce(buffer, 'sum');
        await communicator.barrier();
        const started = performance.now();
        await communicator.allReduce(buffer, 'sum');
        await communicator.device.synchronize();
        return performance.now() - started;
      }),
    ),
  );
  return Math.max(...times);
}

async function withBuffers<T>(
  { device }: Communicator,
  [first, second]: readonly [number, number],
  job: (buffers: readonly [DeviceBuffer, DeviceBuffer]) => Promise<T>,
): Promise<T> {
  const type = (length: number): TensorType => ({ shape: [length], dtype: 'float32' });
  const buffers = [device.allocate(type(first)), device.allocate(type(second))] as const;
  try {
    return await job(buffers);
  } finally {
    for (const buffer of buffers) device.free(buffer);
  }
}
