/**
 * Numbers from tensors outside of `trace`: the pending operations behind the asked tensors become one graph, which is compiled
 * and run like any other. Results are kept on the recorded calls, so nothing runs twice.
 */

import { type Device, device as deviceNamed, eagerDevice } from './device/device.ts';
import { compileWithFallback } from './device/fallback.ts';
import { OmmaError } from './errors.ts';
import { GraphBuilder } from './graph/builder.ts';
import { prepare } from './passes/prepare.ts';
import type { HostTensor, Tensor } from './tensor.ts';
import { lift, within } from './trace.ts';

/** The numbers of `tensors`, computed in one run on `target`; on the best device that compiles at once unless given. */
export async function evaluate(
  tensors: readonly Tensor[],
  target: Device | string = eagerDevice(),
): Promise<HostTensor[]> {
  const on = typeof target === 'string' ? deviceNamed(target) : target;
  const builder = new GraphBuilder({ hostsAsInputs: true });
  const graph = within(builder, () => {
    tensors.forEach((tensor, i) => {
      if (tensor.origin.kind === 'traced') {
        throw new OmmaError(
          'data: a tensor inside trace has no numbers yet; return it from the traced function',
        );
      }
      builder.output(String(i), lift(builder, tensor));
    });
    return builder.finish();
  });
  const prepared = prepare(graph, on, { amp: null, onUnsupported: 'reference' });
  const executable = await compileWithFallback(prepared, on, { state: new Map() });
  try {
    const inputs = [...(builder.hosts?.keys() ?? [])].map((host, i) => [`host${i}`, host] as const);
    const outputs = await executable.run(Object.fromEntries(inputs));
    return tensors.map((tensor, i) => keep(tensor, outputs[String(i)]));
  } finally {
    executable.dispose();
  }
}

/** Remembers a result on the operation that it belongs to. */
function keep(tensor: Tensor, host: HostTensor | undefined): HostTensor {
  if (host === undefined) throw new Error('evaluate: an output is missing');
  if (tensor.origin.kind === 'pending') {
    const { call, output } = tensor.origin;
    call.results ??= call.types.map(() => undefined);
    call.results[output] = host;
    if (!call.results.includes(undefined)) call.inputs = [];
  }
  return host;
}
