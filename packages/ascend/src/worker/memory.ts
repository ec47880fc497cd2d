/** Device memory and pinned host memory, with the errors of running out of them. */

import { mallocHugeFirst, memcpyKind, memoryAttribute } from '../acl/constants.ts';
import { AclError, success } from '../acl/errors.ts';
import { type Acl, check, created, type Pointer, succeeds } from '../acl/library.ts';
import type { Resources } from './resources.ts';

/** Bytes free and in all. */
export function memoryInfo(acl: Acl): { free: number; total: number } {
  const free: [number] = [0];
  const total: [number] = [0];
  // A chip without HBM has DDR; which of the two queries it answers depends on the driver.
  for (const attribute of [memoryAttribute.hbm, memoryAttribute.ddr]) {
    if (succeeds(acl, acl.getMemInfo(attribute, free, total)) && total[0] > 0)
      return { free: free[0], total: total[0] };
  }
  check(acl, 'aclrtGetMemInfo', acl.getMemInfo(memoryAttribute.hbm, free, total));
  return { free: free[0], total: total[0] };
}

/** Device memory that its owner frees. */
export function allocateDevice(acl: Acl, bytes: number): Pointer {
  try {
    return created(acl, 'aclrtMalloc', (out) => acl.malloc(out, Math.max(1, bytes), mallocHugeFirst));
  } catch (error) {
    if (!(error instanceof AclError) || !error.isOutOfMemory) throw error;
    const { free, total } = memoryInfo(acl);
    const have = `${bytes} bytes of device memory are wanted, ${free} of ${total} are free`;
    throw new AclError(error.call, error.code, error.detail === '' ? have : `${have} (${error.detail})`);
  }
}

/** Device memory that `resources` frees. */
export function takeDevice(acl: Acl, resources: Resources, bytes: number): Pointer {
  const address = allocateDevice(acl, bytes);
  resources.add(() => check(acl, 'aclrtFree', acl.free(address)));
  return address;
}

/** Pinned host memory that `resources` frees: only from there the device copies while the host goes on. */
export function takeHost(acl: Acl, resources: Resources, bytes: number): Pointer {
  const address = created(acl, 'aclrtMallocHost', (out) => acl.mallocHost(out, Math.max(1, bytes)));
  resources.add(() => check(acl, 'aclrtFreeHost', acl.freeHost(address)));
  return address;
}

/**
 * The memory of one state: what the next run reads, and a second place that a run which changes it writes to. The compiler gives no order
 * between the reads and the writes of a step, so a step never writes where it reads; after it the two change roles.
 */
export class StateMemory {
  readonly bytes: number;
  readonly #acl: Acl;
  #capacity: number;
  #current: Pointer;
  #spare: Pointer | null = null;
  #writers = 0;

  constructor(acl: Acl, bytes: number) {
    this.#acl = acl;
    this.bytes = bytes;
    this.#capacity = bytes;
    this.#current = allocateDevice(acl, bytes);
  }

  /** What the next run reads. */
  get current(): Pointer {
    return this.#current;
  }

  /** Where the next run writes. */
  get next(): Pointer {
    if (this.#spare === null) throw new Error('ascend: a state without a second place is written');
    return this.#spare;
  }

  /** After a run that wrote `next`. */
  swap(): void {
    const { next } = this;
    this.#spare = this.#current;
    this.#current = next;
  }

  /** Makes both places at least this long: a model may want more than the dense bytes. */
  grow(capacity: number): void {
    if (capacity <= this.#capacity) return;
    const grown = allocateDevice(this.#acl, capacity);
    const copied = this.#acl.memcpy(grown, capacity, this.#current, this.bytes, memcpyKind.deviceToDevice);
    if (copied !== success) this.#acl.free(grown);
    check(this.#acl, 'aclrtMemcpy', copied);
    check(this.#acl, 'aclrtFree', this.#acl.free(this.#current));
    this.#current = grown;
    this.#capacity = capacity;
    if (this.#spare === null) return;
    check(this.#acl, 'aclrtFree', this.#acl.free(this.#spare));
    this.#spare = null;
    this.#spare = allocateDevice(this.#acl, capacity);
  }

  /** A model that writes this state is bound. Returns the bytes that had to be taken for it. */
  addWriter(): number {
    const taken = this.#spare === null ? this.#capacity : 0;
    this.#spare ??= allocateDevice(this.#acl, this.#capacity);
    this.#writers++;
    return taken;
  }

  removeWriter(): void {
    this.#writers--;
    if (this.#writers > 0 || this.#spare === null) return;
    const spare = this.#spare;
    this.#spare = null;
    check(this.#acl, 'aclrtFree', this.#acl.free(spare));
  }

  upload(data: Uint8Array): void {
    if (data.byteLength === 0) return;
    check(
      this.#acl,
      'aclrtMemcpy',
      this.#acl.memcpy(this.#current, this.#capacity, data, data.byteLength, memcpyKind.hostToDevice),
    );
  }

  download(): Uint8Array {
    const data = new Uint8Array(this.bytes);
    if (this.bytes === 0) return data;
    check(
      this.#acl,
      'aclrtMemcpy',
      this.#acl.memcpy(data, this.bytes, this.#current, this.bytes, memcpyKind.deviceToHost),
    );
    return data;
  }

  release(): void {
    const places = [this.#current, ...(this.#spare === null ? [] : [this.#spare])];
    this.#spare = null;
    for (const place of places) check(this.#acl, 'aclrtFree', this.#acl.free(place));
  }
}
