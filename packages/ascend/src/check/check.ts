/**
 * What becomes of a model on a chip: every node's verdict from the operator table, and the groups that a reader wants to see. Needs the
 * ONNX file alone; no toolkit and no chip.
 */

import { describeOnnx, type Origin } from '@omma/onnx';
import { checkNode, type Place, type Target, type Verdict } from '../operators/evaluate.ts';

export interface CheckedNode {
  /** Its name in the file. */
  readonly name: string;
  readonly opType: string;
  readonly verdict: Verdict;
  /** The op of our graph that it was written for; null in files of others. */
  readonly origin: Origin | null;
}

export interface ModelCheck {
  readonly opset: number;
  readonly nodes: readonly CheckedNode[];
}

/** Nodes of one operator with one verdict. */
export interface CheckGroup {
  readonly opType: string;
  readonly verdict: Verdict;
  readonly nodes: readonly CheckedNode[];
}

export interface CheckCounts {
  readonly aiCore: number;
  readonly aiCpu: number;
  readonly fails: number;
  /** Nodes that run under one reading of the sources only. */
  readonly doubtful: number;
  /** Nodes whose verdict rests on an assumption of the table. */
  readonly assumed: number;
}

/** Checks the ONNX file in `bytes`, node by node. `origins` tells where nodes come from, by name. */
export function checkModel(
  bytes: Uint8Array,
  target: Target,
  origins: ReadonlyMap<string, Origin> = new Map(),
): ModelCheck {
  const { nodes, opsets } = describeOnnx(bytes);
  return {
    opset: opsets.get('') ?? 0,
    nodes: nodes.map((node) => ({
      name: node.name,
      opType: node.domain === '' ? node.opType : `${node.domain}::${node.opType}`,
      verdict: checkNode(node, opsets, target),
      origin: origins.get(node.name) ?? null,
    })),
  };
}

export function countPlaces({ nodes }: ModelCheck): CheckCounts {
  const at = (place: Place) => nodes.filter(({ verdict }) => verdict.place === place).length;
  return {
    aiCore: at('aiCore'),
    aiCpu: at('aiCpu'),
    fails: at('fails'),
    doubtful: nodes.filter(({ verdict }) => verdict.doubt !== null).length,
    assumed: nodes.filter(({ verdict }) => verdict.assumed).length,
  };
}

const order: readonly Place[] = ['fails', 'aiCpu', 'aiCore'];

/** The nodes by operator and verdict: what fails first, then what leaves AI Core, then the rest; larger groups before smaller. */
export function groupNodes({ nodes }: ModelCheck): CheckGroup[] {
  const groups = new Map<string, CheckedNode[]>();
  for (const node of nodes) {
    const { place, reason, doubt } = node.verdict;
    const key = JSON.stringify([node.opType, place, reason, doubt]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [node]);
    else group.push(node);
  }
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      return first === undefined ? [] : [{ opType: first.opType, verdict: first.verdict, nodes: group }];
    })
    .sort(
      (a, b) =>
        order.indexOf(a.verdict.place) - order.indexOf(b.verdict.place) ||
        b.nodes.length - a.nodes.length ||
        a.opType.localeCompare(b.opType),
    );
}
