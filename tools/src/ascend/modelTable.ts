/**
 * The page docs/ascend/models.md: for every model of the repository, inference and training step, what each chip runs where. Made by
 * `node tools/dist/ascend/main.js`; a test holds the committed page against it.
 */

import {
  type CheckCounts,
  checkModel,
  countPlaces,
  groupNodes,
  type ModelCheck,
  targetFor,
} from '@omma/ascend';
import type { ResNetDepth } from '@omma/classification';
import { inferenceModel, trainingModel } from '@omma/cli';
import { type Config, loadConfig } from '@omma/engine';

/** Chips of the page, one a generation: without and with float32 on the matrix unit, and inference. */
export const chips = ['Ascend310P3', 'Ascend910A', 'Ascend910B3'] as const;

const configFiles = [
  'resnet18_mnist',
  'resnet18_cifar',
  'resnet18_flowers',
  'resnet18_imagenet',
  'resnet50_imagenet',
] as const;

/** ImageNet models without a config of their own, checked with the config of ResNet-50. */
const depths: readonly ResNetDepth[] = [34, 101, 152];

/** Inference with one picture. */
const inferenceBatch = 1;

export interface TabledModel {
  readonly name: string;
  readonly config: Config;
}

/** Every model of the page. */
export async function tabledModels(): Promise<TabledModel[]> {
  const folder = new URL('../../../configs/', import.meta.url);
  const models: TabledModel[] = [];
  for (const name of configFiles) {
    models.push({ name, config: await loadConfig(new URL(`${name}.ts`, folder).pathname) });
  }
  const imagenet = await loadConfig(new URL('resnet50_imagenet.ts', folder).pathname);
  for (const depth of depths) {
    const backbone = { ...imagenet.model.backbone, depth };
    models.push({
      name: `resnet${depth} (imagenet)`,
      config: { ...imagenet, model: { ...imagenet.model, backbone } },
    });
  }
  return models;
}

/** The rows of one model: a line for inference and one for the training step, on every chip. */
export function modelRows({ name, config }: TabledModel): string[] {
  return chips.flatMap((chip) => {
    const target = targetFor(chip);
    return [inferenceModel(config, target, inferenceBatch), trainingModel(config, target)].map((model) => {
      const check = checkModel(model.bytes, target, model.origins);
      return row(name, model.kind, chip, check, countPlaces(check));
    });
  });
}

function row(name: string, kind: string, chip: string, check: ModelCheck, counts: CheckCounts): string {
  const off = groupNodes(check)
    .filter(({ verdict }) => verdict.place !== 'aiCore')
    .map(({ opType, verdict, nodes }) => `${nodes.length} ${opType}: ${verdict.reason}`);
  const cells = [
    name,
    kind,
    chip,
    counts.aiCore,
    counts.aiCpu,
    counts.fails,
    counts.doubtful,
    counts.assumed,
    off.join('; ') || '-',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The page's text. */
export function modelPage(rows: readonly string[]): string {
  return `# What Ascend chips run of the models here

Made by \`node tools/dist/ascend/main.js\` from the operator table (\`packages/ascend/operators\`); \`omma ascend check\` gives the same node by node. CANN 8.1.RC1, opset 17, precision
\`origin\`. On chips whose matrix unit has no float32 (310P3, 910A) models are written in mixed float16, training with loss scaling. The training step is one graph: forward, loss, gradients,
optimiser, statistics. No chip has run any of this; *assumed* counts the nodes whose row in the table is an assumption, *in doubt* those that work under one reading of the sources only
([operators.md](operators.md)).

| model | graph | chip | AI Core | AI CPU | fails | in doubt | assumed | not on AI Core |
| ----- | ----- | ---- | ------: | -----: | ----: | -------: | ------: | -------------- |
${rows.join('\n')}
`;
}
