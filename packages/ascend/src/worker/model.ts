/**
 * One offline model on a device: loaded, described, bound to memory, run.
 *
 * Datasets are built once. There are two variants of everything that a run's data goes through (pinned host memory, device inputs, datasets), so that
 * the inputs of one run are copied while the run before it computes. State ping-pongs between two places; a dataset is told
 * new addresses only where they changed, which in training is nowhere: a variant's turn comes every second step, as that of its places.
 */

import {
  batchBytes,
  dataTypeName,
  gearInputName,
  hwBytes,
  ioDimsBytes,
  memcpyKind,
  readGears,
  readIoDims,
  wholeModel,
  writeIoDims,
} from '../acl/constants.ts';
import { type Acl, check, created, type Pointer, present, readNumber, succeeds } from '../acl/library.ts';
import { type StateMemory, takeDevice, takeHost } from './memory.ts';
import {
  type Binding,
  type BoundModel,
  type CurrentDims,
  type Gear,
  type ModelDescription,
  type PortDescription,
  variantCount,
} from './protocol.ts';
import { building, Resources } from './resources.ts';

/** The streams of a device: runs happen on one, the next run's inputs are copied on the other. */
export interface Streams {
  readonly compute: Pointer;
  readonly copy: Pointer;
}

/** One input or output in a dataset. */
interface Slot {
  readonly handle: Pointer;
  readonly bytes: number;
  /** Null for what does not move. */
  readonly state: StateMemory | null;
  address: Pointer;
}

/** A copy between pinned host memory and the device. */
interface Transfer {
  readonly host: Pointer;
  readonly device: Pointer;
  readonly bytes: number;
}

interface Variant {
  readonly inputs: Pointer;
  readonly outputs: Pointer;
  readonly inputSlots: readonly Slot[];
  readonly outputSlots: readonly Slot[];
  readonly uploads: readonly Transfer[];
  readonly downloads: readonly Transfer[];
  /** Recorded when the uploads are done. */
  readonly copied: Pointer;
}

/** Addresses in pinned memory are multiples of this. */
const alignment = 64;
const aligned = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

export class LoadedModel {
  readonly description: ModelDescription;
  readonly #acl: Acl;
  readonly #streams: Streams;
  readonly #id: number;
  readonly #desc: Pointer;
  readonly #gearIndex: number;
  readonly #resources = new Resources();
  #variants: readonly Variant[] = [];
  #written: readonly StateMemory[] = [];

  /** Loads the `.om` file at `file`. */
  constructor(acl: Acl, streams: Streams, file: string) {
    this.#acl = acl;
    this.#streams = streams;
    this.#id = readNumber(acl, 'aclmdlLoadFromFile', (out) => acl.loadFromFile(file, out));
    this.#resources.add(() => check(acl, 'aclmdlUnload', acl.unload(this.#id)));
    this.#desc = building(this.#resources, () => loadDesc(acl, this.#resources, this.#id));
    this.description = building(this.#resources, () => describe(acl, this.#desc, file));
    this.#gearIndex = this.description.inputs.findIndex(({ name }) => name === gearInputName);
  }

  /** Takes memory for inputs and outputs and builds the datasets. Once a model. */
  bind(
    inputs: readonly Binding[],
    outputs: readonly Binding[],
    stateOf: (buffer: number) => StateMemory,
  ): BoundModel {
    this.#requireCount('inputs', this.description.inputs, inputs);
    this.#requireCount('outputs', this.description.outputs, outputs);
    return building(this.#resources, () => {
      let bytes = this.#bindState(inputs, outputs, stateOf);
      const take = (port: PortDescription, binding: Binding) => {
        if (binding.kind === 'state') return null;
        bytes += port.bytes;
        return takeDevice(this.#acl, this.#resources, port.bytes);
      };
      // Outputs are copied to the host behind the run that made them and before the next one, so one set is enough.
      const outputPlaces = this.description.outputs.map((port, i) => take(port, bindingAt(outputs, i)));
      const described = Array.from({ length: variantCount }, () => {
        const inputPlaces = this.description.inputs.map((port, i) => take(port, bindingAt(inputs, i)));
        return this.#variant(inputs, outputs, inputPlaces, outputPlaces, stateOf);
      });
      this.#variants = described.map(({ variant }) => variant);
      return { variants: described.map(({ addresses }) => addresses), bytes };
    });
  }

  /** Starts copying a variant's inputs to the device. Its previous run must have ended. */
  stage(index: number): void {
    const { uploads, copied } = this.#variantAt(index);
    for (const transfer of uploads) this.#copy(transfer, memcpyKind.hostToDevice, this.#streams.copy);
    if (uploads.length > 0)
      check(this.#acl, 'aclrtRecordEvent', this.#acl.recordEvent(copied, this.#streams.copy));
  }

  /**
   * Puts a run of a variant, which has been staged, and the copies of its outputs into the stream. The run before it must have ended.
   * Returns the outputs' dimensions under the gear; null for a static model, whose dimensions are known.
   */
  enqueue(index: number, gear: Gear | null): CurrentDims {
    const variant = this.#variantAt(index);
    const { compute } = this.#streams;
    for (const slot of variant.inputSlots) this.#point(slot, slot.state?.current);
    for (const slot of variant.outputSlots) this.#point(slot, slot.state?.next);
    if (gear !== null) this.#setGear(variant, gear);
    if (variant.uploads.length > 0)
      check(this.#acl, 'aclrtStreamWaitEvent', this.#acl.streamWaitEvent(compute, variant.copied));
    check(
      this.#acl,
      'aclmdlExecuteAsync',
      this.#acl.executeAsync(this.#id, variant.inputs, variant.outputs, compute),
    );
    for (const transfer of variant.downloads) this.#copy(transfer, memcpyKind.deviceToHost, compute);
    return gear === null ? null : this.#currentDims();
  }

  /** After a run that has ended well: what it wrote is what the next run reads. After a failed one the state is as before it. */
  commit(): void {
    for (const state of this.#written) state.swap();
  }

  release(): void {
    this.#resources.release();
  }

  #requireCount(what: string, ports: readonly PortDescription[], bindings: readonly Binding[]): void {
    if (ports.length === bindings.length) return;
    throw new Error(
      `ascend: the compiled model has ${ports.length} ${what} (${ports.map(({ name }) => name).join(', ')}) but ${bindings.length} are given`,
    );
  }

  #bindState(
    inputs: readonly Binding[],
    outputs: readonly Binding[],
    stateOf: (buffer: number) => StateMemory,
  ): number {
    const pairs = [
      ...inputs.map((binding, i) => ({ binding, port: this.description.inputs[i] })),
      ...outputs.map((binding, i) => ({ binding, port: this.description.outputs[i] })),
    ];
    for (const { binding, port } of pairs) {
      if (binding.kind === 'state' && port !== undefined) stateOf(binding.buffer).grow(port.bytes);
    }
    const written = outputs.flatMap((binding) => (binding.kind === 'state' ? [stateOf(binding.buffer)] : []));
    let bytes = 0;
    for (const state of written) {
      bytes += state.addWriter();
      this.#resources.add(() => state.removeWriter());
    }
    this.#written = written;
    return bytes;
  }

  #variant(
    inputs: readonly Binding[],
    outputs: readonly Binding[],
    inputPlaces: readonly (Pointer | null)[],
    outputPlaces: readonly (Pointer | null)[],
    stateOf: (buffer: number) => StateMemory,
  ) {
    const acl = this.#acl;
    const hostBytes = [...inputs, ...outputs].reduce(
      (total, binding) => total + (binding.kind === 'host' ? aligned(binding.bytes) : 0),
      0,
    );
    let free = hostBytes === 0 ? 0n : takeHost(acl, this.#resources, hostBytes);
    const hostPlace = (binding: Binding): Pointer | null => {
      if (binding.kind !== 'host') return null;
      const place = free;
      free += BigInt(aligned(binding.bytes));
      return place;
    };
    const side = (
      ports: readonly PortDescription[],
      bindings: readonly Binding[],
      places: readonly (Pointer | null)[],
    ) => {
      const dataset = present(acl, 'aclmdlCreateDataset', acl.createDataset());
      this.#resources.add(() => check(acl, 'aclmdlDestroyDataset', acl.destroyDataset(dataset)));
      const slots: Slot[] = [];
      const transfers: Transfer[] = [];
      const addresses = ports.map((port, i) => {
        const binding = bindingAt(bindings, i);
        const state = binding.kind === 'state' ? stateOf(binding.buffer) : null;
        const device = places[i] ?? state?.current ?? 0n;
        slots.push({
          handle: this.#dataBuffer(dataset, device, port.bytes),
          bytes: port.bytes,
          state,
          address: device,
        });
        const host = hostPlace(binding);
        if (host !== null && binding.kind === 'host' && binding.bytes > 0)
          transfers.push({ host, device, bytes: binding.bytes });
        return host;
      });
      return { dataset, slots, transfers, addresses };
    };
    const from = side(this.description.inputs, inputs, inputPlaces);
    const to = side(this.description.outputs, outputs, outputPlaces);
    const copied = created(acl, 'aclrtCreateEvent', (out) => acl.createEvent(out));
    this.#resources.add(() => check(acl, 'aclrtDestroyEvent', acl.destroyEvent(copied)));
    const variant: Variant = {
      inputs: from.dataset,
      outputs: to.dataset,
      inputSlots: from.slots,
      outputSlots: to.slots,
      uploads: from.transfers,
      downloads: to.transfers,
      copied,
    };
    return { variant, addresses: { inputs: from.addresses, outputs: to.addresses } };
  }

  #dataBuffer(dataset: Pointer, address: Pointer, bytes: number): Pointer {
    const handle = present(this.#acl, 'aclCreateDataBuffer', this.#acl.createDataBuffer(address, bytes));
    this.#resources.add(() => check(this.#acl, 'aclDestroyDataBuffer', this.#acl.destroyDataBuffer(handle)));
    check(this.#acl, 'aclmdlAddDatasetBuffer', this.#acl.addDatasetBuffer(dataset, handle));
    return handle;
  }

  #point(slot: Slot, address: Pointer | undefined): void {
    if (address === undefined || address === slot.address) return;
    check(this.#acl, 'aclUpdateDataBuffer', this.#acl.updateDataBuffer(slot.handle, address, slot.bytes));
    slot.address = address;
  }

  #setGear({ inputs }: Variant, gear: Gear): void {
    const acl = this.#acl;
    const index = this.#gearIndex;
    if (gear.kind === 'batch')
      check(acl, 'aclmdlSetDynamicBatchSize', acl.setDynamicBatchSize(this.#id, inputs, index, gear.size));
    else if (gear.kind === 'image')
      check(
        acl,
        'aclmdlSetDynamicHWSize',
        acl.setDynamicHWSize(this.#id, inputs, index, gear.height, gear.width),
      );
    else
      check(
        acl,
        'aclmdlSetInputDynamicDims',
        acl.setInputDynamicDims(this.#id, inputs, index, writeIoDims(gear.dims)),
      );
  }

  #currentDims(): CurrentDims {
    return this.description.outputs.map((_, i) =>
      readDims(this.#acl, 'aclmdlGetCurOutputDims', (out) => this.#acl.getCurOutputDims(this.#desc, i, out)),
    );
  }

  #copy({ host, device, bytes }: Transfer, kind: number, stream: Pointer): void {
    const [target, source] = kind === memcpyKind.hostToDevice ? [device, host] : [host, device];
    check(this.#acl, 'aclrtMemcpyAsync', this.#acl.memcpyAsync(target, bytes, source, bytes, kind, stream));
  }

  #variantAt(index: number): Variant {
    const variant = this.#variants[index];
    if (variant === undefined) throw new Error(`ascend: the model has no variant ${index}; it is not bound`);
    return variant;
  }
}

function bindingAt(bindings: readonly Binding[], index: number): Binding {
  const binding = bindings[index];
  if (binding === undefined) throw new Error(`ascend: nothing is bound to port ${index}`);
  return binding;
}

/** The descriptor of a loaded model, which lives as long as the model: dimensions under a gear are asked from it. */
function loadDesc(acl: Acl, resources: Resources, id: number): Pointer {
  const desc = present(acl, 'aclmdlCreateDesc', acl.createDesc());
  resources.add(() => check(acl, 'aclmdlDestroyDesc', acl.destroyDesc(desc)));
  check(acl, 'aclmdlGetDesc', acl.getDesc(desc, id));
  return desc;
}

function readDims(acl: Acl, call: string, read: (out: Uint8Array) => number): number[] {
  const bytes = new Uint8Array(ioDimsBytes);
  check(acl, call, read(bytes));
  return readIoDims(bytes);
}

/** Everything that the library tells about a model. */
function describe(acl: Acl, desc: Pointer, file: string): ModelDescription {
  const inputs = Array.from({ length: acl.getNumInputs(desc) }, (_, i) => ({
    name: acl.getInputNameByIndex(desc, i) ?? '',
    dims: readDims(acl, 'aclmdlGetInputDims', (out) => acl.getInputDims(desc, i, out)),
    bytes: acl.getInputSizeByIndex(desc, i),
    element: dataTypeName(acl.getInputDataType(desc, i)),
    format: acl.getInputFormat(desc, i),
  }));
  const outputs = Array.from({ length: acl.getNumOutputs(desc) }, (_, i) => ({
    name: plainName(acl.getOutputNameByIndex(desc, i) ?? ''),
    dims: readDims(acl, 'aclmdlGetOutputDims', (out) => acl.getOutputDims(desc, i, out)),
    bytes: acl.getOutputSizeByIndex(desc, i),
    element: dataTypeName(acl.getOutputDataType(desc, i)),
    format: -1,
  }));
  return { inputs, outputs, gears: describeGears(acl, desc, inputs), bytes: modelBytes(acl, file) };
}

/** Output names come as `node:index:name`. */
function plainName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}

function modelBytes(acl: Acl, file: string): number {
  const work: [number] = [0];
  const weights: [number] = [0];
  if (acl.querySize === null || !succeeds(acl, acl.querySize(file, work, weights))) return 0;
  return work[0] + weights[0];
}

function describeGears(
  acl: Acl,
  desc: Pointer,
  inputs: readonly PortDescription[],
): ModelDescription['gears'] {
  if (!inputs.some(({ name }) => name === gearInputName)) return { kind: 'none', values: [] };
  const batch = new Uint8Array(batchBytes);
  if (succeeds(acl, acl.getDynamicBatch(desc, batch))) {
    const values = readGears(batch, 1);
    if (values.length > 0) return { kind: 'batch', values };
  }
  const count: [number] = [0];
  if (succeeds(acl, acl.getInputDynamicGearCount(desc, wholeModel, count)) && count[0] > 0) {
    const all = new Uint8Array(ioDimsBytes * count[0]);
    check(acl, 'aclmdlGetInputDynamicDims', acl.getInputDynamicDims(desc, wholeModel, all, count[0]));
    return {
      kind: 'dims',
      values: Array.from({ length: count[0] }, (_, i) => readIoDims(all, ioDimsBytes * i)),
    };
  }
  const sizes = new Uint8Array(hwBytes);
  check(acl, 'aclmdlGetDynamicHW', acl.getDynamicHW(desc, wholeModel, sizes));
  return { kind: 'image', values: readGears(sizes, 2) };
}
