/**
 * A group of ranks as the device's thread sees it: HCCL's communicator on the device's compute stream, so that collectives come in the order of
 * the runs around them.
 */

import { byteSize } from '@omma/core';
import type { Acl, Pointer } from '../acl/library.ts';
import { check } from '../acl/library.ts';
import {
  hcclAdvice,
  hcclDataTypes,
  hcclInt8,
  hcclReduceOps,
  hcclResultName,
  hcclSuccess,
  rootInfoBytes,
} from './constants.ts';
import { checkHccl, type Hccl, openHccl } from './library.ts';
import type { Collective, GroupCommand, GroupResults } from './protocol.ts';

/** What a group needs of the device's thread. */
export interface GroupHost {
  readonly acl: Acl;
  readonly soc: string;
  readonly stream: Pointer;
  /** Where a buffer's numbers are now. */
  address(buffer: number): Pointer;
}

export class GroupWorker {
  readonly #host: GroupHost;
  #hccl: Hccl | null = null;
  #joined: { readonly comm: Pointer; readonly rank: number } | null = null;

  constructor(host: GroupHost) {
    this.#host = host;
  }

  execute(command: GroupCommand): GroupResults[GroupCommand['type']] {
    switch (command.type) {
      case 'rootInfo':
        return this.#rootInfo(this.#open(command.libraries));
      case 'joinGroup':
        this.#join(this.#open(command.libraries), command);
        return null;
      case 'groupError':
        return this.#error();
      case 'leaveGroup':
        this.leave();
        return null;
    }
  }

  /** Puts a collective on the stream. Throws HcclError when HCCL does not take it; whether it succeeds the stream tells. */
  enqueue(collective: Collective): void {
    const { acl, stream } = this.#host;
    const { hccl, comm, rank } = this.#group();
    const at = (buffer: number) => this.#host.address(buffer);
    switch (collective.name) {
      case 'allReduce': {
        const { count, dtype, op } = collective;
        const buffer = at(collective.buffer);
        const type = hcclDataTypes[dtype];
        const code = hccl.allReduce(buffer, buffer, count, type, hcclReduceOps[op], comm, stream);
        checkHccl(acl, 'HcclAllReduce', code);
        return;
      }
      case 'broadcast': {
        const { count, dtype, root } = collective;
        const buffer = at(collective.buffer);
        if (this.#hasBroadcast) {
          const code = hccl.broadcast(buffer, count, hcclDataTypes[dtype], root, comm, stream);
          checkHccl(acl, 'HcclBroadcast', code);
          return;
        }
        // Zero everywhere but at the root: the sum of the bytes is what the root has.
        const bytes = count * byteSize(dtype);
        if (rank !== root) check(acl, 'aclrtMemset', acl.memset(buffer, bytes, 0, bytes));
        const code = hccl.allReduce(buffer, buffer, bytes, hcclInt8, hcclReduceOps.sum, comm, stream);
        checkHccl(acl, 'HcclAllReduce', code);
        return;
      }
      case 'allGather': {
        const { source, target, count, dtype } = collective;
        const code = hccl.allGather(at(source), at(target), count, hcclDataTypes[dtype], comm, stream);
        checkHccl(acl, 'HcclAllGather', code);
        return;
      }
      case 'reduceScatter': {
        const { source, target, count, dtype, op } = collective;
        const type = hcclDataTypes[dtype];
        const code = hccl.reduceScatter(at(source), at(target), count, type, hcclReduceOps[op], comm, stream);
        checkHccl(acl, 'HcclReduceScatter', code);
        return;
      }
      case 'barrier':
        checkHccl(acl, 'HcclBarrier', hccl.barrier(comm, stream));
        return;
    }
  }

  /** Leaves the group, if there is one; before the device is reset, and after the stream is empty. */
  leave(): void {
    const joined = this.#joined;
    this.#joined = null;
    if (joined === null || this.#hccl === null) return;
    checkHccl(this.#host.acl, 'HcclCommDestroy', this.#hccl.commDestroy(joined.comm));
  }

  /** The inference series (310P) reduces but does not broadcast. */
  get #hasBroadcast(): boolean {
    return !this.#host.soc.startsWith('Ascend310');
  }

  #open(libraries: readonly string[]): Hccl {
    this.#hccl ??= openHccl(libraries);
    return this.#hccl;
  }

  #rootInfo(hccl: Hccl): Uint8Array {
    const rootInfo = new Uint8Array(rootInfoBytes);
    checkHccl(this.#host.acl, 'HcclGetRootInfo', hccl.getRootInfo(rootInfo));
    return rootInfo;
  }

  #join(hccl: Hccl, { size, rank, by }: Extract<GroupCommand, { type: 'joinGroup' }>): void {
    if (this.#joined !== null) throw new Error('hccl: this device is in a group already');
    const out: [Pointer | null] = [null];
    const call = 'rootInfo' in by ? 'HcclCommInitRootInfo' : 'HcclCommInitClusterInfo';
    const code =
      'rootInfo' in by
        ? hccl.commInitRootInfo(size, by.rootInfo, rank, out)
        : hccl.commInitClusterInfo(by.rankTable, rank, out);
    checkHccl(this.#host.acl, call, code);
    const [comm] = out;
    if (comm === null) throw new Error(`${call} gave no communicator`);
    this.#joined = { comm, rank };
  }

  #error(): string | null {
    const joined = this.#joined;
    const query = this.#hccl?.getCommAsyncError ?? null;
    if (joined === null || query === null) return null;
    const error: [number] = [hcclSuccess];
    checkHccl(this.#host.acl, 'HcclGetCommAsyncError', query(joined.comm, error));
    return error[0] === hcclSuccess ? null : `HCCL: ${hcclResultName(error[0])}; ${hcclAdvice(error[0])}`;
  }

  #group() {
    if (this.#joined === null || this.#hccl === null) throw new Error('hccl: this device is in no group');
    return { hccl: this.#hccl, ...this.#joined };
  }
}
