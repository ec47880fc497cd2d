/**
 * `omma ascend check`: what an Ascend chip will do with a model, from the operator table alone. Exit code 1 when a node fails.
 */

import { basename, extname } from 'node:path';
import {
  type CheckGroup,
  checkModel,
  countPlaces,
  groupNodes,
  type ModelCheck,
  type Target,
  targetFor,
} from '@omma/ascend';
import { OmmaError } from '@omma/core';
import { loadConfig } from '@omma/engine';
import pc from 'picocolors';
import {
  type AscendModel,
  exportedModel,
  isOnnxFile,
  modelFromFile,
  trainingModel,
} from '../../run/ascendModels.ts';
import { openCheckpoint } from '../../run/checkpointModel.ts';
import { formatTable } from '../../terminal/table.ts';

export interface AscendCheckOptions {
  readonly soc: string;
  readonly cann: string;
  readonly precision: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export async function ascendCheck(source: string, options: AscendCheckOptions): Promise<void> {
  const target = targetFor(options.soc, options.cann, options.precision);
  const model = await modelFrom(source, target);
  const check = checked(source, model, target);
  const report = options.json === true ? jsonReport : textReport;
  process.stdout.write(report(basename(source), model, check, target, options.all === true));
  if (countPlaces(check).fails > 0) process.exitCode = 1;
}

/** Checks the model; what is wrong with a file is said with its name. */
function checked(source: string, model: AscendModel, target: Target): ModelCheck {
  try {
    return checkModel(model.bytes, target, model.origins);
  } catch (error) {
    throw error instanceof OmmaError ? new OmmaError(`${source}: ${error.message}`) : error;
  }
}

async function modelFrom(source: string, target: Target): Promise<AscendModel> {
  if (isOnnxFile(source)) return modelFromFile(source);
  if (extname(source) !== '.safetensors') return trainingModel(await loadConfig(source), target);
  const { runner, step, image } = await openCheckpoint(source, { device: 'reference' });
  try {
    const graph = step.graph({ image: { shape: [1, ...image.shape], dtype: image.dtype } });
    return await exportedModel(runner.model, graph, target);
  } finally {
    await runner.dispose();
  }
}

const placeNames = { aiCore: 'AI Core', aiCpu: 'AI CPU', fails: 'fails' } as const;
const colours = { aiCore: pc.green, aiCpu: pc.yellow, fails: pc.red } as const;

function textReport(
  name: string,
  { kind, origins }: AscendModel,
  check: ModelCheck,
  target: Target,
  all: boolean,
): string {
  const { soc, cann, precision } = target;
  const title = `${pc.bold(name)}  ${kind}, opset ${check.opset}, on ${soc.name} with CANN ${cann}, precision ${precision}`;
  const groups = all ? check.nodes.map((node) => ({ ...node, nodes: [node] })) : groupNodes(check);
  const columns = [
    { title: 'runs on' },
    { title: all ? 'node' : 'nodes', align: all ? ('left' as const) : ('right' as const) },
    { title: 'operator' },
    { title: 'as, or why not' },
    { title: origins.size > 0 ? 'written for' : 'first of them' },
  ];
  const rows = groups.map((group) => [
    placeNames[group.verdict.place],
    all ? (group.nodes[0]?.name ?? '') : String(group.nodes.length),
    group.opType,
    explanation(group),
    whereFrom(group),
  ]);
  const [head = '', ...lines] = formatTable(columns, rows).split('\n');
  const coloured = lines.map((line, i) => colours[groups[i]?.verdict.place ?? 'aiCore'](line));
  return `${title}\n\n${pc.bold(head)}\n${coloured.join('\n')}\n\n${summary(check)}\n`;
}

function explanation({ verdict }: CheckGroup): string {
  const sure = verdict.assumed ? `${verdict.reason} (assumed)` : verdict.reason;
  return verdict.doubt === null ? sure : `${sure}; in doubt: ${verdict.doubt}`;
}

/** Ops and module paths of a group: the first, and how many more. */
function whereFrom({ nodes }: CheckGroup): string {
  const places = [
    ...new Set(
      nodes.flatMap(({ origin }) =>
        origin === null ? [] : [origin.scope === '' ? origin.op : `${origin.op} at ${origin.scope}`],
      ),
    ),
  ];
  const [first] = places;
  if (first === undefined) return nodes[0]?.name ?? '';
  return places.length === 1 ? first : `${first} and ${places.length - 1} more`;
}

function summary(check: ModelCheck): string {
  const { aiCore, aiCpu, fails, doubtful, assumed } = countPlaces(check);
  const total = check.nodes.length;
  const last = [
    ...(doubtful > 0 ? [`${doubtful} in doubt`] : []),
    ...(assumed > 0 ? [`${assumed} rest on assumptions (docs/ascend/operators.md)`] : []),
  ];
  const result = fails === 0 ? pc.green('nothing fails') : pc.red(`${fails} of ${total} nodes fail`);
  return `${result}: ${aiCore} nodes on AI Core, ${aiCpu} on AI CPU, ${fails} fail${last.length > 0 ? `; ${last.join(', ')}` : ''}`;
}

function jsonReport(
  name: string,
  { kind }: AscendModel,
  check: ModelCheck,
  target: Target,
  all: boolean,
): string {
  const groups = groupNodes(check).map(({ opType, verdict, nodes }) => ({
    opType,
    ...verdict,
    count: nodes.length,
    nodes: nodes.slice(0, all ? nodes.length : 3).map(({ name: node, origin }) => ({ node, ...origin })),
  }));
  const report = {
    model: name,
    kind,
    soc: target.soc.name,
    cann: target.cann,
    precision: target.precision,
    opset: check.opset,
    counts: countPlaces(check),
    groups,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
