/**
 * OpenMMLab's `tta_pipeline` in parts that Omma has: `ttaModel.transforms` for what `TestTimeAug` does, which is computed on the device, and
 * `ttaDataloader` for what comes before it, where that is not the pipeline of the test anyway.
 */

import { ConfigDict, ConfigTuple, type ConfigValue } from '../value.ts';
import { typeName } from './rules.ts';

/** What reads and packs in OpenMMLab's pipelines, and is nobody's transform here. */
const frame = ['LoadImageFromFile', 'LoadImage', 'PackInputs', 'LoadAnnotations'];

/**
 * The config with `tta_model.transforms` and, where it is needed, `tta_dataloader` in place of `tta_pipeline`; the config itself where it has
 * none, or one that has to be told of as it is.
 */
export function withTtaParts(root: ConfigDict): ConfigDict {
  const pipeline = root.entry('tta_pipeline');
  const steps = listOf(pipeline?.value);
  const at = steps.findIndex((step) => typeOf(step) === 'TestTimeAug');
  const augmentation = steps[at];
  if (pipeline === undefined || !(augmentation instanceof ConfigDict)) return root;
  const { source } = pipeline;
  const stages = listOf(augmentation.get('transforms')).map((stage) => listOf(stage).filter(isTransform));
  const choices = stages.filter((stage) => stage.length > 0);
  // Stages that leave no choice are part of the way to the views.
  const first = choices.findIndex((stage) => stage.length > 1);
  const fixed = choices.slice(0, first === -1 ? choices.length : first).flat();
  const before = [...steps.slice(0, at).filter(isTransform), ...fixed];
  // Views of pictures of all sizes would be no batch.
  if (before.length === 0) return root;

  const result = root.copy();
  result.delete('tta_pipeline');
  const model = root.get('tta_model');
  const own = model instanceof ConfigDict ? model.copy() : new ConfigDict();
  if (!own.has('type')) own.set('type', 'AverageClsScoreTTA', source);
  own.set('transforms', choices.slice(first === -1 ? choices.length : first), source);
  result.set('tta_model', own, root.entry('tta_model')?.source ?? source);
  const loader = root.get('test_dataloader') ?? root.get('val_dataloader');
  const dataset = loader instanceof ConfigDict ? loader.get('dataset') : undefined;
  if (!(loader instanceof ConfigDict) || !(dataset instanceof ConfigDict)) return result;
  if (textOf(listOf(dataset.get('pipeline')).filter(isTransform)) === textOf(before)) return result;
  const [ownLoader, ownDataset] = [loader.copy(), dataset.copy()];
  ownDataset.set('pipeline', before, source);
  ownLoader.set('dataset', ownDataset, source);
  result.set('tta_dataloader', ownLoader, source);
  return result;
}

function isTransform(step: ConfigValue): boolean {
  return !frame.includes(typeOf(step) ?? '');
}

function typeOf(step: ConfigValue): string | null {
  return step instanceof ConfigDict ? typeName(step.get('type')) : null;
}

function listOf(value: ConfigValue | undefined): readonly ConfigValue[] {
  if (value instanceof ConfigTuple) return value.items;
  return Array.isArray(value) ? value : [];
}

/** The same for pipelines that do the same. */
function textOf(steps: readonly ConfigValue[]): string {
  return JSON.stringify(steps, (_, value: unknown) =>
    value instanceof ConfigDict
      ? Object.fromEntries(value.entries().map(([key, { value: own }]) => [key, own]))
      : value,
  );
}
