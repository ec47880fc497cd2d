/** What the main thread asks of a device's thread about its group of ranks: part of the commands of worker/protocol.ts. */

import type { DType, ReduceOp } from '@omma/core';

export type GroupCommand =
  /** A new group's root info, for rank 0 to hand to the others. */
  | { readonly type: 'rootInfo'; readonly libraries: readonly string[] }
  /** Waits until all ranks have joined. By the root info, or by the rank table at a path. */
  | {
      readonly type: 'joinGroup';
      readonly libraries: readonly string[];
      readonly size: number;
      readonly rank: number;
      readonly by: { readonly rootInfo: Uint8Array } | { readonly rankTable: string };
    }
  /** Why the group cannot go on; null when HCCL knows of nothing. */
  | { readonly type: 'groupError' }
  | { readonly type: 'leaveGroup' };

/** One collective, carried out on the device in the order of commands; answered when it is done. Buffers are ids. */
export interface CollectiveCommand {
  readonly type: 'collective';
  readonly collective: Collective;
  /** Milliseconds after which it counts as hung: longer than HCCL itself waits. */
  readonly timeout: number;
}

export type Collective =
  | {
      readonly name: 'allReduce';
      readonly buffer: number;
      readonly count: number;
      readonly dtype: DType;
      readonly op: ReduceOp;
    }
  | {
      readonly name: 'broadcast';
      readonly buffer: number;
      readonly count: number;
      readonly dtype: DType;
      readonly root: number;
    }
  /** `count` elements of each rank. */
  | {
      readonly name: 'allGather';
      readonly source: number;
      readonly target: number;
      readonly count: number;
      readonly dtype: DType;
    }
  | {
      readonly name: 'reduceScatter';
      readonly source: number;
      readonly target: number;
      readonly count: number;
      readonly dtype: DType;
      readonly op: ReduceOp;
    }
  | { readonly name: 'barrier' };

export interface GroupResults {
  rootInfo: Uint8Array;
  joinGroup: null;
  groupError: string | null;
  leaveGroup: null;
}
