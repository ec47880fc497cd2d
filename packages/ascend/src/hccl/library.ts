/** HCCL as TypeScript sees it: the C functions that Omma calls, declared as in CANN 8.1.RC1. All of them belong on the device's own thread. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Symbols } from '../acl/symbols.ts';
import { hcclAdvice, hcclResultName, hcclSuccess } from './constants.ts';

type Pointer = bigint;

export type Hccl = ReturnType<typeof declareHccl>;

/** The files of HCCL beside AscendCL's: one library of CANN up to 8, two after it. In one line why there are none. */
export function findHccl(libraries: readonly string[]): string[] | string {
  const folders = [...new Set(libraries.map(dirname))];
  for (const folder of folders) {
    const files = ['libhccl.so', 'libhcomm.so'].map((name) => join(folder, name)).filter(existsSync);
    if (files.length > 0) return files;
  }
  return `no libhccl.so in ${folders.join(', ')}; install CANN's toolkit, the runtime alone cannot train on several devices`;
}

/** Opens the libraries and finds every function. Throws Error, in one line, when that fails. */
export function openHccl(files: readonly string[]): Hccl {
  return declareHccl(new Symbols(files));
}

function declareHccl(c: Symbols) {
  return {
    getRootInfo: c.required<[rootInfo: Uint8Array], number>('int HcclGetRootInfo(void *rootInfo)'),
    commInitRootInfo: c.required<
      [ranks: number, rootInfo: Uint8Array, rank: number, comm: [Pointer | null]],
      number
    >('int HcclCommInitRootInfo(uint32_t nRanks, const void *rootInfo, uint32_t rank, _Out_ void **comm)'),
    commInitClusterInfo: c.required<[path: string, rank: number, comm: [Pointer | null]], number>(
      'int HcclCommInitClusterInfo(const char *clusterInfo, uint32_t rank, _Out_ void **comm)',
    ),
    commDestroy: c.required<[comm: Pointer], number>('int HcclCommDestroy(void *comm)'),
    getCommAsyncError: c.optional<[comm: Pointer, error: [number]], number>(
      'int HcclGetCommAsyncError(void *comm, _Out_ int *asyncError)',
    ),
    allReduce: c.required<
      [
        send: Pointer,
        receive: Pointer,
        count: number,
        type: number,
        op: number,
        comm: Pointer,
        stream: Pointer,
      ],
      number
    >(
      'int HcclAllReduce(void *sendBuf, void *recvBuf, uint64_t count, int dataType, int op, void *comm, void *stream)',
    ),
    broadcast: c.required<
      [buffer: Pointer, count: number, type: number, root: number, comm: Pointer, stream: Pointer],
      number
    >('int HcclBroadcast(void *buf, uint64_t count, int dataType, uint32_t root, void *comm, void *stream)'),
    allGather: c.required<
      [send: Pointer, receive: Pointer, count: number, type: number, comm: Pointer, stream: Pointer],
      number
    >(
      'int HcclAllGather(void *sendBuf, void *recvBuf, uint64_t sendCount, int dataType, void *comm, void *stream)',
    ),
    reduceScatter: c.required<
      [
        send: Pointer,
        receive: Pointer,
        count: number,
        type: number,
        op: number,
        comm: Pointer,
        stream: Pointer,
      ],
      number
    >(
      'int HcclReduceScatter(void *sendBuf, void *recvBuf, uint64_t recvCount, int dataType, int op, void *comm, void *stream)',
    ),
    barrier: c.required<[comm: Pointer, stream: Pointer], number>(
      'int HcclBarrier(void *comm, void *stream)',
    ),
  };
}

/** A call of HCCL that failed. `detail` is what the library says about it. */
export class HcclError extends Error {
  override name = 'HcclError';
  readonly code: number;

  constructor(call: string, code: number, detail: string) {
    const said = detail === '' ? '' : `: ${detail.replace(/\s+/g, ' ').trim()}`;
    super(`${call} failed with ${hcclResultName(code)}${said}; ${hcclAdvice(code)}`);
    this.code = code;
  }
}

/** Throws HcclError for a result other than success, with AscendCL's message of this thread. */
export function checkHccl(
  acl: { readonly getRecentErrMsg: () => string | null },
  call: string,
  code: number,
): void {
  if (code !== hcclSuccess) throw new HcclError(call, code, acl.getRecentErrMsg() ?? '');
}
