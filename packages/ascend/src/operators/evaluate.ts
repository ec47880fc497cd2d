/**
 * Where one ONNX node runs on an Ascend chip: on AI Core, on the device's AI CPU, or not at all, and why. The algorithm is that of
 * `operators/README.md`; the simulator's atc has the same in C++, and
 * `test/simulator/agreement.test.ts` holds both to the same verdicts.
 */

import type { NodeFacts, OnnxElement } from '@omma/onnx';
import { holds } from './condition.ts';
import type { Kernel, Limit, Operator, Toolkit } from './schema.ts';
import { kernelRow, operatorRow, type Soc } from './table.ts';
import { listed } from './types.ts';
import { hasOpset, inVersionRange } from './version.ts';

/** What `atc` may do with float32: names of `--precision_mode_v2`. */
export const precisions = [
  'origin',
  'fp16',
  'mixed_float16',
  'mixed_bfloat16',
  'cube_fp16in_fp32out',
] as const;
export type Precision = (typeof precisions)[number];

/** What a model is compiled for. */
export interface Target {
  readonly soc: Soc;
  /** What is known of the release; `cann` is the release itself. */
  readonly toolkit: Toolkit;
  readonly cann: string;
  readonly precision: Precision;
}

export type Place = 'aiCore' | 'aiCpu' | 'fails';

export interface Verdict {
  readonly place: Place;
  /** One line: which kernel with which type, or why not. */
  readonly reason: string;
  /** Why this holds under one reading of the sources only; null where nothing is in doubt. */
  readonly doubt: string | null;
  /** The row that this rests on is an assumption. */
  readonly assumed: boolean;
}

const fails = (reason: string): Verdict => ({ place: 'fails', reason, doubt: null, assumed: false });

/** Where `node` of a model with these operator sets runs on `target`. */
export function checkNode(node: NodeFacts, opsets: ReadonlyMap<string, number>, target: Target): Verdict {
  const opset = opsets.get(node.domain) ?? 0;
  const row = operatorRow(node.domain, node.opType);
  const refused = unregistered(node, opset, row, target);
  if (row === null || refused !== null) return fails(refused ?? '');
  const broken = (row.limits ?? [])
    .filter((limit) => applies(limit, opset, target) && holds(limit.must, node) === false)
    .map((limit) => ({ effect: effectOf(limit, target), because: limit.because }));
  const failure = broken.find(({ effect }) => effect === 'fails');
  if (failure !== undefined) return fails(withHint(failure.because, row));
  const doubts = broken.filter(({ effect }) => effect === 'doubt').map(({ because }) => because);
  if (node.domain === '' && opset < documentedFrom(target)) {
    doubts.push(`opset ${opset} is below the documented ${documentedFrom(target)}`);
  }
  const doubt = doubts.length === 0 ? null : doubts.join('; ');
  const leaves = broken.find(({ effect }) => effect === 'aiCpu');
  const verdict = onKernel(kernelName(row, node, target), node, row, target);
  if (leaves !== undefined && verdict.place === 'aiCore') {
    return { place: 'aiCpu', reason: leaves.because, doubt, assumed: verdict.assumed };
  }
  return { ...verdict, doubt };
}

/** Why the parser refuses the operator, or null. */
function unregistered(
  node: NodeFacts,
  opset: number,
  row: Operator | null,
  { cann, toolkit }: Target,
): string | null {
  const error = toolkit.unregisteredError;
  const key = `${node.domain === '' ? 'ai.onnx' : node.domain}::${opset}::${node.opType}`;
  if (node.domain === '' && opset > documentedTo(toolkit)) {
    return `${error}: CANN ${cann} takes opsets up to ${documentedTo(toolkit)}, the model has ${opset}`;
  }
  if (row === null) return `${error}: no parser is known for ${key}`;
  if (hasOpset(row.opsets, opset)) return null;
  const where = row.opsets === '' ? 'at no opset' : `at opsets ${row.opsets} only`;
  return withHint(`${error}: ${node.opType} is registered ${where}, not as ${key}`, row);
}

function withHint(reason: string, row: Operator): string {
  return row.instead === undefined ? reason : `${reason}; ${row.instead}`;
}

const documentedFrom = ({ toolkit }: Target) => Number(toolkit.opsets.split('-')[0]);
const documentedTo = (toolkit: Toolkit) => Number(toolkit.opsets.split('-').at(-1));

function applies(limit: Limit, opset: number, { cann, soc }: Target): boolean {
  return (
    (limit.opsets === undefined || hasOpset(limit.opsets, opset)) &&
    (limit.cann === undefined || inVersionRange(cann, limit.cann)) &&
    (limit.families === undefined || limit.families.includes(soc.family.name))
  );
}

function effectOf(limit: Limit, { cann }: Target): Limit['else'] {
  const lifted = limit.doubtFrom !== undefined && inVersionRange(cann, `>=${limit.doubtFrom}`);
  return lifted ? 'doubt' : limit.else;
}

/** The kernel that the graph compiler maps the node to. */
function kernelName(row: Operator, node: NodeFacts, { cann }: Target): string {
  if (typeof row.ge === 'string') return row.ge;
  const found = row.ge.find(
    (entry) =>
      (entry.cann === undefined || inVersionRange(cann, entry.cann)) &&
      (entry.when === undefined || holds(entry.when, node) === true),
  );
  return found?.kernel ?? 'none';
}

function onKernel(ge: string, node: NodeFacts, row: Operator, target: Target): Verdict {
  const sure = { place: 'aiCore', doubt: null, assumed: false } as const;
  if (ge === 'view') return { ...sure, reason: 'computes nothing' };
  if (ge === 'folded')
    return { ...sure, assumed: true, reason: 'computed by the compiler from static shapes' };
  const type = node.inputs[0]?.type ?? null;
  if (type === null) return { ...sure, assumed: true, reason: `${ge}; its element type is not known` };
  const kernel = kernelRow(ge);
  for (const candidate of computedAs(type, kernel, target.precision)) {
    const found = onAiCore(kernel, candidate, target);
    if (found === 'no') continue;
    return { ...sure, assumed: found === 'assumed', reason: `${ge} ${candidate}` };
  }
  const onCpu = listed(kernel?.aiCpu ?? '', type);
  const none = `${ge} has no ${type} kernel on AI Core of ${target.soc.family.name}`;
  if (onCpu === 'no') return fails(withHint(`EZ3003: ${none} and none on AI CPU`, row));
  return { place: 'aiCpu', reason: none, doubt: null, assumed: onCpu === 'assumed' };
}

/** The types to look for, best first. */
function computedAs(type: OnnxElement, kernel: Kernel | null, precision: Precision): readonly OnnxElement[] {
  if (type !== 'float32') return [type];
  switch (precision) {
    case 'origin':
      return [type];
    case 'fp16':
      return ['float16'];
    case 'mixed_float16':
      return [type, 'float16'];
    case 'mixed_bfloat16':
      return [type, 'bfloat16'];
    case 'cube_fp16in_fp32out':
      return kernel?.cube === true ? [type, 'float16'] : [type];
  }
}

/**
 * A kernel without a row was not listed: it is assumed to take any type. Of families without a column only the matrix unit's types are
 * known.
 */
function onAiCore(kernel: Kernel | null, type: OnnxElement, { soc }: Target): 'yes' | 'assumed' | 'no' {
  const { family } = soc;
  if (type === 'bfloat16' && !family.bfloat16) return 'no';
  if (kernel === null) return listed('any?', type);
  if (family.kernels === null) return listed(kernel.cube === true ? family.cube : 'any?', type);
  return listed(kernel[family.kernels], type);
}
