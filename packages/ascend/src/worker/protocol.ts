/**
 * What the main thread and a device's thread say to each other. Plain data: everything here goes through `postMessage`.
 *
 * Commands are carried out in the order in which they are given. Ids of buffers and models are chosen by the main thread, so that it can
 * refer to something in the command after the one that makes it, without waiting.
 */

import type { MessagePort } from 'node:worker_threads';
import type { CollectiveCommand, GroupCommand, GroupResults } from '../hccl/protocol.ts';

export type Command =
  | GroupCommand
  | CollectiveCommand
  | { readonly type: 'allocate'; readonly buffer: number; readonly bytes: number }
  | { readonly type: 'free'; readonly buffer: number }
  | { readonly type: 'upload'; readonly buffer: number; readonly data: Uint8Array }
  | { readonly type: 'download'; readonly buffer: number }
  | { readonly type: 'load'; readonly model: number; readonly file: string }
  | {
      readonly type: 'bind';
      readonly model: number;
      readonly inputs: readonly Binding[];
      readonly outputs: readonly Binding[];
    }
  | { readonly type: 'run'; readonly model: number; readonly variant: number; readonly gear: Gear | null }
  | { readonly type: 'unload'; readonly model: number }
  | { readonly type: 'memory' }
  | { readonly type: 'synchronize' }
  /** Out of turn: what runs is not waited for any longer, and the device is given up. */
  | { readonly type: 'abandon'; readonly reason: string }
  | { readonly type: 'close' };

export type CommandType = Command['type'];
export type CommandOf<T extends CommandType> = Extract<Command, { readonly type: T }>;

/** What comes back. A failure comes as `Failed` instead. */
export interface Results extends GroupResults {
  collective: null;
  abandon: null;
  allocate: null;
  free: null;
  upload: null;
  download: Uint8Array;
  load: ModelDescription;
  bind: BoundModel;
  run: CurrentDims;
  unload: null;
  memory: { readonly free: number; readonly total: number };
  synchronize: null;
  close: null;
}

export interface Request {
  readonly id: number;
  readonly command: Command;
}

export type Reply =
  | { readonly id: number; readonly value: Results[CommandType] }
  | { readonly id: number; readonly failed: Failed };

/** An error as it crosses threads. `code` is AscendCL's; null for an error of another kind. */
export interface Failed {
  readonly message: string;
  readonly code: number | null;
  readonly outOfMemory: boolean;
  /** True when the device cannot be used any more by this process. */
  readonly lost: boolean;
}

/** What stands behind one input or output of a model. */
export type Binding =
  /** Comes from the host before each run, or goes there after it: `bytes` of it. */
  | { readonly kind: 'host'; readonly bytes: number }
  /** State on the device: the buffer of this id. */
  | { readonly kind: 'state'; readonly buffer: number }
  /** Takes the gear of a dynamic model. */
  | { readonly kind: 'gear' };

/** Which of the shapes that a dynamic model was compiled for a run has. */
export type Gear =
  | { readonly kind: 'batch'; readonly size: number }
  | { readonly kind: 'image'; readonly height: number; readonly width: number }
  | { readonly kind: 'dims'; readonly dims: readonly number[] };

export interface PortDescription {
  readonly name: string;
  /** -1 where it follows the gear. */
  readonly dims: readonly number[];
  /** Bytes that the model wants its buffer to have. */
  readonly bytes: number;
  /** Name of the element type. */
  readonly element: string;
  /** `aclFormat` */
  readonly format: number;
}

export interface ModelDescription {
  readonly inputs: readonly PortDescription[];
  readonly outputs: readonly PortDescription[];
  /** The shapes it was compiled for: of batch sizes, of heights and widths, of all dimensions of all inputs in turn. Empty for a static model. */
  readonly gears: {
    readonly kind: 'none' | 'batch' | 'image' | 'dims';
    readonly values: readonly (readonly number[])[];
  };
  /** Bytes of device memory for intermediates and constants; 0 where the library does not tell. */
  readonly bytes: number;
}

/** Host memory that the device copies from and to, one a variant. */
export interface BoundModel {
  readonly variants: readonly {
    /** Address of each host input's bytes; null for other inputs. */
    readonly inputs: readonly (bigint | null)[];
    readonly outputs: readonly (bigint | null)[];
  }[];
  /** Bytes of device memory taken for inputs, outputs and the second copies of state. */
  readonly bytes: number;
}

/** Dimensions of the outputs of a run of a dynamic model; null for a static one. */
export type CurrentDims = readonly (readonly number[])[] | null;

/** How many steps can be under way: one runs while the inputs of the next are copied. */
export const variantCount = 2;

/** What a device's thread is started with. */
export interface WorkerSettings {
  readonly port: MessagePort;
  /** Set to 1 and notified when the first reply is in the port: the main thread waits for that without its event loop. */
  readonly ready: Int32Array;
  /** As `ready`, after `close`. */
  readonly closed: Int32Array;
  readonly libraries: readonly string[];
  readonly device: number;
  /** Milliseconds after which a step that has not ended counts as hung. */
  readonly timeout: number;
}

/** The first message from the thread: what it found, or why it could not start. */
export type Opened =
  | {
      readonly soc: string;
      /** Of the AscendCL interface. */
      readonly aclVersion: string;
      /** Of CANN, as the library says; null where it does not. */
      readonly cannVersion: string | null;
      readonly memory: { readonly free: number; readonly total: number };
      /** False when someone else in this process had initialised AscendCL, and will end it. */
      readonly owner: boolean;
    }
  | { readonly failed: Failed };
