/**
 * Layers of a ResNet for layer decay, as MMPretrain counts them: the stem, the first stage and the last are one layer each, the two stages between
 * them one layer every few blocks.
 */

import type { LayerDepth } from '@omma/engine';

/** Blocks a layer in the second and third stage, by their numbers of blocks. MMPretrain knows no depth below 34; a stage is a layer there. */
function blocksPerLayer(second: number, third: number): readonly [number, number] {
  if (second === 4) return [2, 3];
  if (second === 8 || second === 24) return [4, 4];
  return [second, third];
}

/** The depth of a ResNet's parameter `name`, told from the backbone; null is what comes after the backbone. `blocks` are those of the stages. */
export function resNetLayerDepth(name: string | null, blocks: readonly number[]): LayerDepth {
  const [, second = 1, third = 1] = blocks;
  const [perSecond, perThird] = blocksPerLayer(second, third);
  const thirdStage = 2 + Math.ceil(second / perSecond);
  const lastStage = thirdStage + Math.ceil(third / perThird);
  const layers = lastStage + 2;
  if (name === null) return { layer: layers - 1, layers };
  const [, stage, block] = /^layer(\d+)\.(\d+)\./.exec(name) ?? [];
  if (stage === undefined) return { layer: 0, layers };
  const index = Number(block);
  switch (Number(stage)) {
    case 1:
      return { layer: 1, layers };
    case 2:
      return { layer: 2 + Math.floor(index / perSecond), layers };
    case 3:
      return { layer: thirdStage + Math.floor(index / perThird), layers };
    default:
      return { layer: lastStage, layers };
  }
}
