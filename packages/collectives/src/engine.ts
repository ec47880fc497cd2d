/** Core's `HostCollectives` on an engine of an addon: the same for all of them. */

import {
  type DType,
  dtypes,
  type HostArray,
  type HostCollectives,
  hostArray,
  type NativeCollectives,
  OmmaError,
  type ReduceOp,
  reduceOps,
} from '@omma/core';
import type { NativeEngine } from './binding.ts';

export class EngineCollectives implements HostCollectives {
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  readonly native: NativeCollectives;
  readonly lazy: boolean;
  readonly #engine: NativeEngine;
  /** A thread that waits for another rank would keep the process from ending. */
  readonly #exit = () => this.#engine.abort('the process ends');

  constructor(name: string, rank: number, size: number, engine: NativeEngine, lazy = false) {
    this.name = name;
    this.lazy = lazy;
    this.rank = rank;
    this.size = size;
    this.#engine = engine;
    this.native = engine.table();
    process.once('exit', this.#exit);
  }

  async allReduce(data: HostArray, dtype: DType, op: ReduceOp): Promise<HostArray> {
    await this.#told('allReduce', this.#engine.allReduce(data, dtypes.indexOf(dtype), reduceOps.indexOf(op)));
    return data;
  }

  async broadcast(data: HostArray, _dtype: DType, root: number): Promise<HostArray> {
    if (root < 0 || root >= this.size) {
      throw new OmmaError(`broadcast: root must be from 0 to ${this.size - 1} but is ${root}`);
    }
    await this.#told('broadcast', this.#engine.broadcast(data, root));
    return data;
  }

  async allGather(data: HostArray, dtype: DType): Promise<HostArray> {
    const all = hostArray(dtype, data.length * this.size);
    await this.#told('allGather', this.#engine.allGather(data, all));
    return all;
  }

  async reduceScatter(data: HostArray, dtype: DType, op: ReduceOp): Promise<HostArray> {
    if (data.length % this.size !== 0) {
      throw new OmmaError(
        `reduceScatter: ${data.length} elements cannot be divided between ${this.size} ranks`,
      );
    }
    const part = hostArray(dtype, data.length / this.size);
    const [type, how] = [dtypes.indexOf(dtype), reduceOps.indexOf(op)];
    await this.#told('reduceScatter', this.#engine.reduceScatter(data, part, type, how));
    return part;
  }

  async barrier(): Promise<void> {
    await this.#told('barrier', this.#engine.barrier());
  }

  async failure(): Promise<string | null> {
    const reason = this.#engine.failure();
    return reason === '' ? null : `${this.name}: ${reason}`;
  }

  async dispose(): Promise<void> {
    process.off('exit', this.#exit);
    this.#engine.abort('this process has left the run');
  }

  async #told(what: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new OmmaError(`distributed: ${what} by ${this.name}: ${reason}`, { cause: error });
    }
  }
}
