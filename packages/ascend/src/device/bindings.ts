/** What stands behind the inputs and outputs of a compiled step: host memory, or state on the device. */

import { sizeOf } from '@omma/core';
import { elementSize, type StepModel, type StepPort } from '@omma/onnx';
import type { Binding, ModelDescription, PortDescription } from '../worker/protocol.ts';
import type { AscendBuffer } from './buffer.ts';

export interface StepBindings {
  readonly inputs: readonly Binding[];
  readonly outputs: readonly Binding[];
  /** Position of each port among the model's inputs or outputs, by name. */
  readonly inputAt: ReadonlyMap<string, number>;
  readonly outputAt: ReadonlyMap<string, number>;
}

/** False for a step that takes nothing to the chip. */
export function takesInput({ inputs, host, state }: StepModel): boolean {
  return inputs.length > 0 || (host?.feeds.length ?? 0) > 0 || state.some(({ input }) => input !== null);
}

/** Inputs are found by name, outputs by their place, as the compiler keeps both. */
export function stepBindings(
  step: StepModel,
  { inputs, outputs }: ModelDescription,
  state: ReadonlyMap<string, AscendBuffer>,
): StepBindings {
  const known = new Map<string, { port: StepPort; buffer: AscendBuffer | null }>();
  const add = (port: StepPort, buffer: AscendBuffer | null) => known.set(port.name, { port, buffer });
  const bufferOf = (slot: string) => {
    const buffer = state.get(slot);
    if (buffer === undefined) throw new Error(`ascend: no buffer is bound to state ${slot}`);
    if (buffer.host !== null)
      throw new Error(`ascend: state ${slot} is on the host, where random numbers are drawn from it`);
    return buffer;
  };
  for (const port of [...step.inputs, ...(step.host?.feeds ?? [])]) add(port, null);
  for (const { slot, input } of step.state) if (input !== null) add(input, bufferOf(slot));
  const ordered: { port: StepPort; buffer: AscendBuffer | null }[] = [
    ...step.outputs.map((port) => ({ port, buffer: null })),
    ...step.state.flatMap(({ slot, output }) =>
      output === null ? [] : [{ port: output, buffer: bufferOf(slot) }],
    ),
  ];
  const boundInputs = inputs.map((description) => {
    const found = known.get(description.name);
    if (found === undefined)
      throw new Error(
        `ascend: the compiled model has an input ${description.name} that the step does not have`,
      );
    return bindingOf(description, found.port, found.buffer);
  });
  const boundOutputs = outputs.map((description, i) => {
    const found = ordered[i];
    if (found === undefined)
      throw new Error(
        `ascend: the compiled model has ${outputs.length} outputs but the step has ${ordered.length}`,
      );
    return bindingOf(description, found.port, found.buffer);
  });
  return {
    inputs: boundInputs,
    outputs: boundOutputs,
    inputAt: new Map(inputs.map(({ name }, i) => [name, i])),
    outputAt: new Map(ordered.map(({ port }, i) => [port.name, i])),
  };
}

function bindingOf({ name, element }: PortDescription, port: StepPort, buffer: AscendBuffer | null): Binding {
  if (element !== port.element)
    throw new Error(`ascend: the compiled model has ${name} in ${element} but the step in ${port.element}`);
  if (buffer !== null) return { kind: 'state', buffer: buffer.id };
  return { kind: 'host', bytes: sizeOf(port.type.shape) * elementSize(port.element) };
}
