/** ONNX Runtime's own profile, read back as time a node of ours. */

import type { NodeProfile } from '@omma/core';
import type { Origin } from '../model.ts';

/** One entry of the trace that ONNX Runtime writes (Chrome's trace event format); `dur` is in microseconds. */
export interface OrtEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly dur?: number;
  readonly args?: { readonly op_name?: string; readonly output_size?: string };
}

const suffix = '_kernel_time';

/** Time and bytes of every ONNX node, slowest first. Nodes that ONNX Runtime has put in itself have no module path. */
export function profileOf(
  events: readonly OrtEvent[],
  origins: ReadonlyMap<string, Origin>,
): readonly NodeProfile[] {
  const totals = new Map<string, { milliseconds: number; runs: number; bytes: number; operator: string }>();
  for (const { cat, name = '', dur = 0, args } of events) {
    if (cat !== 'Node' || !name.endsWith(suffix)) continue;
    const node = name.slice(0, -suffix.length);
    const total = totals.get(node) ?? {
      milliseconds: 0,
      runs: 0,
      bytes: Number(args?.output_size ?? 0),
      operator: args?.op_name ?? '',
    };
    total.milliseconds += dur / 1000;
    total.runs++;
    totals.set(node, total);
  }
  const profiles = [...totals].map(([node, { milliseconds, runs, bytes, operator }]) => {
    const { op, scope } = origins.get(node) ?? { op: operator, scope: '' };
    return { name: `${op} (${operator})`, op, scope, milliseconds, runs, bytes, flops: 0 };
  });
  return profiles.sort((a, b) => b.milliseconds - a.milliseconds);
}
