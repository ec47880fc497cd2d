/**
 * How deep in a model a parameter lies, for layer decay.
 *
 * A backbone that has OpenMMLab's rule for itself says so (`getLayerDepth`). For any other, the blocks are the layers: `layer2.3`, `stages.2.0`,
 * `blocks.7` are one each, in their order; what comes before the first is layer 0, and what comes after the last (norm, neck, head) is the last.
 */

import type { AnyModule } from '@omma/nn';

export interface LayerDepth {
  /** From 0 at the input. */
  readonly layer: number;
  /** How many there are: the head is `layers - 1`. */
  readonly layers: number;
}

/** A module that knows the depths of its parameters; a whole model does that for its backbone. */
export interface KnowsLayerDepth {
  /** Depth of the parameter `name`, told from the module itself; null for one that belongs to what comes after it. */
  getLayerDepth(name: string | null): LayerDepth;
}

/** The rule for `model`: depth by parameter name. */
export function layerDepths(model: AnyModule): (name: string) => LayerDepth {
  for (const [path, module] of model.namedModules()) {
    if (!knowsLayerDepth(module)) continue;
    const prefix = path === '' ? '' : `${path}.`;
    return (name) => module.getLayerDepth(name.startsWith(prefix) ? name.slice(prefix.length) : null);
  }
  return depthsByBlock(model);
}

function knowsLayerDepth(module: AnyModule): module is AnyModule & KnowsLayerDepth {
  return 'getLayerDepth' in module && typeof module.getLayerDepth === 'function';
}

function depthsByBlock(model: AnyModule): (name: string) => LayerDepth {
  const names = model.namedParameters().map(([name]) => name);
  const blocks = [...new Set(names.flatMap((name) => blockOf(name) ?? []))];
  const layers = blocks.length + 2;
  const firstBlock = names.findIndex((name) => blockOf(name) !== null);
  return (name) => {
    const block = blockOf(name);
    if (block !== null) return { layer: blocks.indexOf(block) + 1, layers };
    const before = firstBlock < 0 || names.indexOf(name) < firstBlock;
    return { layer: before && blocks.length > 0 ? 0 : layers - 1, layers };
  };
}

/** `backbone.layer2.3` of `backbone.layer2.3.conv1.weight`. */
function blockOf(name: string): string | null {
  return (
    /^(.*?\b(?:(?:layer\d+|stages?\.?\d+|features)\.\d+|(?:blocks|layers)\.\d+))\./.exec(name)?.[1] ?? null
  );
}
