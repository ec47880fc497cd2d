/**
 * A compiled model (`.om`) as it is, without a graph behind it: loaded, run with bytes by input name. What `omma predict` does with a `.om` file.
 *
 * A dynamic model runs under one of the gears that it was compiled for; outputs come with the dimensions that they have under it.
 */

import { DeviceError } from '@omma/core';
import { gearInputName } from '../acl/constants.ts';
import { nativeBytes } from '../acl/symbols.ts';
import type { Posted } from '../device/commandQueue.ts';
import type {
  Binding,
  BoundModel,
  CurrentDims,
  Gear,
  ModelDescription,
  PortDescription,
} from '../worker/protocol.ts';

/** What a model needs of its device. */
export interface OfflineDevice {
  readonly name: string;
  enqueue<T>(post: () => Promise<Posted<T>>): Promise<T>;
  runOffline(model: number, variant: number, gear: Gear | null): Promise<CurrentDims>;
  unload(model: number): void;
}

export interface OfflineOutput {
  readonly name: string;
  readonly dims: readonly number[];
  readonly element: string;
  readonly bytes: Uint8Array;
}

export class OfflineModel {
  /** Without the input that takes the gear. */
  readonly inputs: readonly PortDescription[];
  readonly outputs: readonly PortDescription[];
  readonly gears: ModelDescription['gears'];
  readonly #device: OfflineDevice;
  readonly #model: number;
  readonly #bound: BoundModel;

  constructor(device: OfflineDevice, model: number, description: ModelDescription, bound: BoundModel) {
    this.inputs = description.inputs.filter(({ name }) => name !== gearInputName);
    this.outputs = description.outputs;
    this.gears = description.gears;
    this.#device = device;
    this.#model = model;
    this.#bound = bound;
  }

  /** Runs once. `inputs` by name, dense and row-major, under `gear`; null for a static model. Throws DeviceError when they do not fit. */
  run(inputs: Readonly<Record<string, Uint8Array>>, gear: Gear | null): Promise<OfflineOutput[]> {
    const [variant] = this.#bound.variants;
    return this.#device.enqueue(async () => {
      this.inputs.forEach((port, i) => {
        const given = inputs[port.name];
        if (given === undefined || given.byteLength > port.bytes) {
          throw new DeviceError(
            `${this.#device.name}: input ${port.name} takes up to ${port.bytes} bytes of ${port.element} but is given ${given?.byteLength ?? 'none'}`,
          );
        }
        const address = variant?.inputs[i] ?? null;
        if (address !== null) nativeBytes(address, port.bytes).set(given);
      });
      const ended = this.#device.runOffline(this.#model, 0, gear).then((dims) => this.#results(dims));
      // One at a time: the next one's inputs go where these are.
      await ended.catch(() => undefined);
      return { ended };
    });
  }

  dispose(): void {
    this.#device.unload(this.#model);
  }

  #results(current: CurrentDims): OfflineOutput[] {
    const [variant] = this.#bound.variants;
    return this.outputs.map(({ name, dims, element, bytes }, i) => {
      const own = current?.[i] ?? dims;
      const address = variant?.outputs[i] ?? null;
      const dense = (bytes / product(dims)) * product(own);
      return {
        name,
        dims: own,
        element,
        bytes: address === null ? new Uint8Array(0) : nativeBytes(address, dense).slice(),
      };
    });
  }
}

const product = (dims: readonly number[]) => dims.reduce((total, size) => total * size, 1);

/** Host memory for everything that goes in and out. */
export function hostBindings({ inputs, outputs }: ModelDescription): {
  inputs: Binding[];
  outputs: Binding[];
} {
  return {
    inputs: inputs.map(({ name, bytes }) =>
      name === gearInputName ? { kind: 'gear' } : { kind: 'host', bytes },
    ),
    outputs: outputs.map(({ bytes }) => ({ kind: 'host', bytes })),
  };
}
