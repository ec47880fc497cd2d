/**
 * The Device contract, and the registry of devices.
 *
 * A device compiles whole graphs and runs them; it never sees single operations. Packages register a factory under a name;
 * nothing above the devices imports one by name. `device('auto')` picks the best that is available.
 */

import type { DType, HostArray } from '../dtype.ts';
import { DeviceError } from '../errors.ts';
import type { Graph, Node, TensorType } from '../graph/graph.ts';
import type { Shape } from '../shape.ts';
import type { HostTensor } from '../tensor.ts';
import type { Communicator, HostCollectives, Rendezvous } from './communicator.ts';

/** Device memory for one tensor. Only the device that made it can look inside. */
export interface DeviceBuffer {
  readonly type: TensorType;
}

export interface DeviceCapabilities {
  readonly dtypes: readonly DType[];
  /** Types in which mixed precision runs at full speed here, best first; empty when float32 is the only good one. */
  readonly mixedPrecision: readonly DType[];
  /** The type in which products of float32 numbers are computed where the device cannot multiply those themselves; absent where it can. */
  readonly float32As?: DType;
  /** True where float16 results beyond its range become its largest number, 65504, and not infinity: overflow has to be looked for there. */
  readonly float16Saturates?: boolean;
  /** One line for people: processor, instruction set, library version. */
  readonly description: string;
}

export interface CompileOptions {
  /** Buffers for the graph's state slots, by name. They are read and updated in place by every run. */
  readonly state: ReadonlyMap<string, DeviceBuffer>;
  /** Collect time and bytes per node; see `Executable.profile`. */
  readonly profile?: boolean;
}

/** What a node reads and writes, in its order. */
export interface NodeShapes {
  readonly inputs: readonly Shape[];
  readonly outputs: readonly Shape[];
}

export interface NodeProfile {
  readonly name: string;
  readonly op: string;
  readonly scope: string;
  /** Totals over all runs since compilation. */
  readonly milliseconds: number;
  readonly runs: number;
  /** Of one run. */
  readonly bytes: number;
  readonly flops: number;
  /** Where the device can tell them. */
  readonly shapes?: NodeShapes;
}

export interface Executable {
  /** Runs once. Inputs by name, in the graph's types; outputs likewise. Runs of one device happen in call order. */
  run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** Bytes this executable holds for intermediates and constants. */
  readonly bytes: number;
  profile(): readonly NodeProfile[];
  dispose(): void;
}

export interface MemoryUse {
  /** Bytes held now, and the most that was ever held. */
  readonly live: number;
  readonly peak: number;
}

export interface Device {
  readonly name: string;
  readonly capabilities: DeviceCapabilities;
  /** True, or in a few words why not. What is not supported is lowered. */
  supports(node: Node, graph: Graph): true | string;
  compile(graph: Graph, options: CompileOptions): Promise<Executable>;
  allocate(type: TensorType): DeviceBuffer;
  free(buffer: DeviceBuffer): void;
  upload(buffer: DeviceBuffer, data: HostArray): Promise<void>;
  download(buffer: DeviceBuffer): Promise<HostArray>;
  memory(): MemoryUse;
  /** A communicator of the device's own collective library between the processes of `group`; absent where there is none. */
  connect?(group: Rendezvous): Promise<Communicator>;
  /**
   * A communicator that runs `host` on the device's memory where it lies, in order with its other work; null where it cannot. Absent on
   * devices whose memory is not the host's.
   */
  attach?(host: HostCollectives): Promise<Communicator | null>;
  /** Resolves when all work given so far is done. */
  synchronize(): Promise<void>;
  dispose(): void;
}

export interface DeviceFactory {
  readonly name: string;
  /** Higher wins for `device('auto')`. The reference device has 0. */
  readonly priority: number;
  /**
   * False where compiling a graph takes seconds or minutes: `auto` takes the device for training, but numbers asked for outside of `compile` are
   * computed on the next best one. True unless given.
   */
  readonly eager?: boolean;
  /** True, or why the device cannot be used on this machine and what to do about it. */
  available(): true | string;
  /** How many of them this machine has; each is called `name:index` then, and `name` is the first. Absent where there is only one. */
  count?(): number;
  /** `index` is 0 unless `count` allows more. */
  create(index: number): Device;
}

const factories = new Map<string, DeviceFactory>();
const open = new Map<string, Device>();

/** Makes a device known. Registering a name again replaces the factory, not devices already open. */
export function registerDevice(factory: DeviceFactory): void {
  factories.set(factory.name, factory);
}

/** All registered devices, best first. */
export function deviceFactories(): readonly DeviceFactory[] {
  return [...factories.values()].sort((a, b) => b.priority - a.priority);
}

/**
 * The device called `name`, opened once per process; `auto` is the available one of highest priority, `ascend:1` the second Ascend
 * device. Throws DeviceError with the known names, or with the reason why it is not available.
 */
export function device(name = 'auto'): Device {
  const [, base = name, digits] = /^(.+?)(?::(\d+))?$/.exec(name) ?? [];
  const factory = factoryNamed(base);
  if (factory === undefined) {
    const known = deviceFactories().map((candidate) => candidate.name);
    throw new DeviceError(`device: no device is called ${name}; known: auto, ${known.join(', ')}`);
  }
  const index = Number(digits ?? 0);
  const key = `${factory.name}:${index}`;
  const opened = open.get(key);
  if (opened !== undefined) return opened;
  const available = factory.available();
  if (available !== true) throw new DeviceError(`device ${factory.name}: ${available}`);
  const count = factory.count?.() ?? 1;
  if (index >= count) {
    throw new DeviceError(
      `device ${name}: this machine has ${count === 1 ? `one ${factory.name}` : `${count}, ${factory.name}:0 to ${factory.name}:${count - 1}`}`,
    );
  }
  const created = factory.create(index);
  open.set(key, created);
  return created;
}

/** The best available device that compiles a graph at once: where numbers asked for outside of `compile` are computed. */
export function eagerDevice(): Device {
  const best = deviceFactories().find(({ eager, available }) => eager !== false && available() === true);
  return device(best?.name);
}

/**
 * What the process of rank `localRank` on this machine calls the device `name`: `ascend` is `ascend:1` for the second process, where a
 * device comes in numbers. A name with an index, and devices of which there is one, stay as they are.
 */
export function localDeviceName(name: string, localRank: number): string {
  const factory = factoryNamed(name);
  return factory?.count === undefined ? name : `${factory.name}:${localRank}`;
}

function factoryNamed(name: string): DeviceFactory | undefined {
  if (name !== 'auto') return factories.get(name);
  return deviceFactories().find((candidate) => candidate.available() === true);
}
