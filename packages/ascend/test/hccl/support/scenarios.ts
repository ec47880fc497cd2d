/** What a rank does in the tests of the simulated HCCL: straight calls of the C functions, as the device's thread makes them. */

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  arrayFromBytes,
  bytesOf,
  type DType,
  type HostArray,
  hostArray,
  toBfloat16,
  toFloat16,
} from '@omma/core';
import { memcpyKind } from '../../../src/acl/constants.ts';
import { type Acl, check, created, openAcl } from '../../../src/acl/library.ts';
import { Symbols } from '../../../src/acl/symbols.ts';
import { hcclDataTypes, hcclReduceOps, rootInfoBytes } from '../../../src/hccl/constants.ts';
import { checkHccl, findHccl, type Hccl, openHccl } from '../../../src/hccl/library.ts';

interface Place {
  readonly acl: Acl;
  readonly hccl: Hccl;
  readonly stream: bigint;
  readonly rank: number;
  readonly size: number;
  readonly folder: string;
  /** Of HCCL. */
  readonly files: readonly string[];
}

type Scenario = (place: Place) => Promise<unknown>;

/** A result of HCCL with the text that goes with it. */
interface Outcome {
  readonly code: number;
  readonly text: string;
  readonly seconds: number;
}

export async function runScenario(
  name: string,
  rank: number,
  size: number,
  folder: string,
): Promise<unknown> {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const library = join(process.env.ASCEND_TOOLKIT_HOME ?? '', 'lib64/libascendcl.so');
  const files = findHccl([library]);
  if (typeof files === 'string') throw new Error(files);
  const acl = openAcl([library]);
  const hccl = openHccl(files);
  check(acl, 'aclInit', acl.init(null));
  if (name === 'preconditions') return scenario({ acl, hccl, stream: 0n, rank, size, folder, files });
  const device = name === 'sameDevice' ? 0 : rank;
  check(acl, 'aclrtSetDevice', acl.setDevice(device));
  const stream = created(acl, 'aclrtCreateStream', (out) => acl.createStream(out));
  return scenario({ acl, hccl, stream, rank, size, folder, files });
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function outcome({ acl }: Pick<Place, 'acl'>, call: () => number): Outcome {
  const started = performance.now();
  const code = call();
  const seconds = (performance.now() - started) / 1000;
  return { code, text: code === 0 ? '' : (acl.getRecentErrMsg() ?? ''), seconds };
}

/** Rank 0's root info, through a file. */
async function rootInfo({ acl, hccl, rank, folder }: Place): Promise<Uint8Array> {
  const path = join(folder, 'root');
  if (rank === 0) {
    const root = new Uint8Array(rootInfoBytes);
    checkHccl(acl, 'HcclGetRootInfo', hccl.getRootInfo(root));
    writeFileSync(`${path}.partial`, root);
    renameSync(`${path}.partial`, path);
    return root;
  }
  while (!existsSync(path)) await sleep(5);
  return readFileSync(path);
}

async function join_(place: Place): Promise<bigint> {
  const out: [bigint | null] = [null];
  const root = await rootInfo(place);
  const code = place.hccl.commInitRootInfo(place.size, root, place.rank, out);
  checkHccl(place.acl, 'HcclCommInitRootInfo', code);
  return out[0] ?? 0n;
}

function upload({ acl }: Place, data: HostArray, bytes = data.byteLength): bigint {
  const address = created(acl, 'aclrtMalloc', (out) => acl.malloc(out, bytes, 0));
  const code = acl.memcpy(address, bytes, bytesOf(data), data.byteLength, memcpyKind.hostToDevice);
  check(acl, 'aclrtMemcpy', code);
  return address;
}

function download({ acl }: Place, address: bigint, dtype: DType, bytes: number): HostArray {
  const into = new Uint8Array(bytes);
  check(acl, 'aclrtMemcpy', acl.memcpy(into, bytes, address, bytes, memcpyKind.deviceToHost));
  return arrayFromBytes(dtype, into);
}

const finish = ({ acl, stream }: Place) =>
  check(acl, 'aclrtSynchronizeStream', acl.synchronizeStream(stream));

function encoded(dtype: DType, values: readonly number[]): HostArray {
  const data = hostArray(dtype, values.length);
  data.set(
    dtype === 'float16' ? values.map(toFloat16) : dtype === 'bfloat16' ? values.map(toBfloat16) : values,
  );
  return data;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  /** Every collective once; sums of a vector that no number of ranks divides. */
  async collectives(place) {
    const { acl, hccl, stream, rank, size } = place;
    const comm = await join_(place);
    const results: Record<string, unknown> = {};
    for (const dtype of ['float32', 'float16', 'bfloat16', 'int32'] as const) {
      for (const op of ['sum', 'max', 'min'] as const) {
        const data = encoded(dtype, [1 + rank, 10 * rank, 7 - rank]);
        const buffer = upload(place, data);
        const code = hccl.allReduce(buffer, buffer, 3, hcclDataTypes[dtype], hcclReduceOps[op], comm, stream);
        checkHccl(acl, 'HcclAllReduce', code);
        finish(place);
        results[`${dtype} ${op}`] = [...download(place, buffer, dtype, data.byteLength)];
      }
    }
    const count = 100_003;
    const long = Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i + 1000 * rank)));
    const buffer = upload(place, long);
    checkHccl(acl, 'HcclAllReduce', hccl.allReduce(buffer, buffer, count, 4, 0, comm, stream));
    finish(place);
    results.long = [...download(place, buffer, 'float32', 4 * count)].filter((_, i) => i % 9973 === 0);

    const own = upload(place, Int32Array.of(rank, 100 + rank));
    const all = upload(place, new Int32Array(2 * size));
    checkHccl(acl, 'HcclAllGather', hccl.allGather(own, all, 2, 2, comm, stream));
    finish(place);
    results.allGather = [...download(place, all, 'int32', 8 * size)];
    checkHccl(acl, 'HcclReduceScatter', hccl.reduceScatter(all, own, 2, 2, 0, comm, stream));
    finish(place);
    results.reduceScatter = [...download(place, own, 'int32', 8)];
    checkHccl(acl, 'HcclBroadcast', hccl.broadcast(own, 2, 2, size - 1, comm, stream));
    checkHccl(acl, 'HcclBarrier', hccl.barrier(comm, stream));
    finish(place);
    results.broadcast = [...download(place, own, 'int32', 8)];
    checkHccl(acl, 'HcclCommDestroy', hccl.commDestroy(comm));
    results.destroyedAgain = outcome(place, () => hccl.commDestroy(comm)).code;
    return results;
  },

  /** The operations of the ABI that Omma itself does not call. */
  async others(place) {
    const { acl, stream, rank, size } = place;
    const comm = await join_(place);
    const c = new Symbols(place.files);
    type Call = [send: bigint, receive: bigint, count: number, ...rest: (number | bigint)[]];
    const reduce = c.required<Call, number>(
      'int HcclReduce(void *send, void *receive, uint64_t count, int type, int op, uint32_t root, void *comm, void *stream)',
    );
    const scatter = c.required<Call, number>(
      'int HcclScatter(void *send, void *receive, uint64_t count, int type, uint32_t root, void *comm, void *stream)',
    );
    const pointToPoint = (name: string) =>
      c.required<[buffer: bigint, count: number, ...rest: (number | bigint)[]], number>(
        `int ${name}(void *buffer, uint64_t count, int type, uint32_t rank, void *comm, void *stream)`,
      );
    const toAll = c.required<(number | bigint)[], number>(
      'int HcclAlltoAll(const void *send, uint64_t sendCount, int sendType, const void *receive, uint64_t receiveCount, int receiveType, void *comm, void *stream)',
    );
    const int32 = hcclDataTypes.int32;
    const mine = upload(
      place,
      Int32Array.from({ length: size }, (_, i) => 10 * rank + i),
    );
    const results: Record<string, number[]> = {};
    const read = (name: string, address: bigint, count: number) => {
      finish(place);
      results[name] = [...download(place, address, 'int32', 4 * count)];
    };
    const into = upload(place, new Int32Array(size));
    checkHccl(acl, 'HcclReduce', reduce(mine, into, size, int32, hcclReduceOps.sum, 1, comm, stream));
    read('reduce', into, size);
    checkHccl(acl, 'HcclScatter', scatter(mine, into, 1, int32, 1, comm, stream));
    read('scatter', into, 1);
    checkHccl(acl, 'HcclAlltoAll', toAll(mine, 1, int32, into, 1, int32, comm, stream));
    read('allToAll', into, size);
    // A ring: to the next, from the one before.
    const next = (rank + 1) % size;
    const before = (rank + size - 1) % size;
    const order = rank === 0 ? ['HcclSend', 'HcclRecv'] : ['HcclRecv', 'HcclSend'];
    for (const name of order) {
      const sends = name === 'HcclSend';
      const code = pointToPoint(name)(sends ? mine : into, 1, int32, sends ? next : before, comm, stream);
      checkHccl(acl, name, code);
    }
    read('ring', into, 1);
    const batch = c.required<[bigint, number, bigint, bigint], number>(
      'int HcclBatchSendRecv(void *items, uint32_t count, void *comm, void *stream)',
    );
    return { ...results, notSimulated: outcome(place, () => batch(mine, 1, comm, stream)) };
  },

  /** Rank 1 is half a second late: rank 0's call returns at once, the stream is busy until rank 1 comes. */
  async asynchronous(place) {
    const { acl, hccl, stream, rank } = place;
    const comm = await join_(place);
    const buffer = upload(place, Float32Array.of(rank + 1));
    if (rank === 1) await sleep(500);
    const call = outcome(place, () => hccl.allReduce(buffer, buffer, 1, 4, 0, comm, stream));
    const status: [number] = [-1];
    const busy = acl.streamQuery?.(stream, status) === 0 && status[0] === 1;
    const wait = outcome(place, () => acl.synchronizeStream(stream));
    return {
      call,
      busy,
      wait,
      value: [...download(place, buffer, 'float32', 4)],
    };
  },

  async inconsistent(place) {
    const { acl, hccl, stream, rank } = place;
    const comm = await join_(place);
    const buffer = upload(place, new Float32Array(8));
    const call = outcome(place, () => hccl.allReduce(buffer, buffer, 4 + rank, 4, 0, comm, stream));
    const wait = outcome(place, () => acl.synchronizeStream(stream));
    const asynchronous: [number] = [-1];
    hccl.getCommAsyncError?.(comm, asynchronous);
    return { call, wait, asynchronous: asynchronous[0] };
  },

  /** All-reduces until something fails. */
  async untilFailure(place) {
    const { acl, hccl, stream } = place;
    const comm = await join_(place);
    const buffer = upload(place, Float32Array.of(1));
    for (let done = 0; done < 20; done++) {
      const call = outcome(place, () => hccl.allReduce(buffer, buffer, 1, 4, 0, comm, stream));
      const wait = outcome(place, () => acl.synchronizeStream(stream));
      if (call.code === 0 && wait.code === 0) continue;
      const asynchronous: [number] = [-1];
      hccl.getCommAsyncError?.(comm, asynchronous);
      return { done, call, wait, asynchronous: asynchronous[0] };
    }
    return { done: 20 };
  },

  /** Asks for a root info alone. */
  async root({ acl, hccl }) {
    return outcome({ acl }, () => hccl.getRootInfo(new Uint8Array(rootInfoBytes)));
  },

  /** Joins a group of whose ranks only this one comes, or with a device that another rank has. */
  async joining(place) {
    const root = await rootInfo(place);
    return outcome(place, () => place.hccl.commInitRootInfo(place.size, root, place.rank, [null]));
  },

  async sameDevice(place) {
    const root = await rootInfo(place);
    return outcome(place, () => place.hccl.commInitRootInfo(place.size, root, place.rank, [null]));
  },

  /** By the rank table of the folder. */
  async rankTable(place) {
    const { acl, hccl, stream, rank, folder } = place;
    const out: [bigint | null] = [null];
    const joined = outcome(place, () => hccl.commInitClusterInfo(join(folder, 'table.json'), rank, out));
    if (joined.code !== 0) return { joined };
    const buffer = upload(place, Float32Array.of(rank + 1));
    checkHccl(acl, 'HcclAllReduce', hccl.allReduce(buffer, buffer, 1, 4, 0, out[0] ?? 0n, stream));
    finish(place);
    return { joined, value: [...download(place, buffer, 'float32', 4)] };
  },

  /** What is refused at once, in a group of one. */
  async preconditions({ acl, hccl, folder, files }) {
    const results: Record<string, Outcome> = {};
    const root = new Uint8Array(rootInfoBytes);
    const note = (name: string, call: () => number) => {
      results[name] = outcome({ acl }, call);
    };
    note('root info without a device', () => hccl.getRootInfo(root));
    check(acl, 'aclrtSetDevice', acl.setDevice(0));
    const stream = created(acl, 'aclrtCreateStream', (out) => acl.createStream(out));
    const place: Place = { acl, hccl, stream, rank: 0, size: 1, folder, files };
    note('a root info of zeros', () => hccl.commInitRootInfo(1, root, 0, [null]));
    checkHccl(acl, 'HcclGetRootInfo', hccl.getRootInfo(root));
    note('a rank beyond the last', () => hccl.commInitRootInfo(1, root, 1, [null]));
    note('no ranks', () => hccl.commInitRootInfo(0, root, 0, [null]));
    const out: [bigint | null] = [null];
    checkHccl(acl, 'HcclCommInitRootInfo', hccl.commInitRootInfo(1, root, 0, out));
    const comm = out[0] ?? 0n;
    const device = upload(place, new Float32Array(4));
    const host = created(acl, 'aclrtMallocHost', (pointer) => acl.mallocHost(pointer, 64));
    note('host memory', () => hccl.allReduce(host, host, 4, 4, 0, comm, stream));
    note('more than the buffer', () => hccl.allReduce(device, device, 4000, 4, 0, comm, stream));
    note('an address between elements', () =>
      hccl.allReduce(device + 2n, device + 2n, 1, 4, 0, comm, stream),
    );
    note('no buffer', () => hccl.allReduce(0n, 0n, 1, 4, 0, comm, stream));
    note('a sum of uint8', () => hccl.allReduce(device, device, 4, 7, 0, comm, stream));
    note('an unknown type', () => hccl.allGather(device, device, 1, 77, comm, stream));
    note('an unknown root', () => hccl.broadcast(device, 1, 4, 3, comm, stream));
    note('a broadcast', () => hccl.broadcast(device, 1, 4, 0, comm, stream));
    note('a sum of bfloat16', () => hccl.allReduce(device, device, 4, 11, 0, comm, stream));
    note('no communicator', () => hccl.barrier(1n, stream));
    note('nothing to do', () => hccl.allReduce(0n, 0n, 0, 4, 0, comm, stream));
    note('a rank table that is not there', () => hccl.commInitClusterInfo(join(folder, 'none'), 0, [null]));
    return results;
  },
};
