/** The run that is killed: everything that has state is in it, and little else. */

import type {} from '@omma/classification';
import type { Config } from '@omma/engine';
import type {} from './noise.ts';

/** Steps of the whole run. */
export const totalSteps = 60;

export function killedConfig(workDir: string, numWorkers: number): Config {
  const data = (length: number) => ({
    dataset: { type: 'Noise' as const, length, size: 16 },
    batchSize: 8,
    numWorkers,
  });
  return {
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'ResNet', depth: 18, stem: 'cifar', stemChannels: 8, baseChannels: 8 },
      head: { type: 'LinearClsHead', numClasses: 2 },
    },
    trainDataloader: data(100),
    valDataloader: data(20),
    valEvaluator: [{ type: 'Accuracy', topk: [1] }],
    // Three batches an update: most checkpoints fall between two parts.
    optimWrapper: {
      optimizer: { type: 'AdamW', lr: 1e-3, weightDecay: 1e-2 },
      accumulativeCounts: 3,
      clipGrad: { maxNorm: 1 },
      amp: 'bfloat16',
    },
    paramScheduler: [{ type: 'CosineAnnealingLR', byEpoch: false }],
    trainConfig: { maxIters: totalSteps, valInterval: 10 },
    defaultHooks: { checkpoint: { interval: 2 }, logger: { interval: 5 } },
    customHooks: [
      { type: 'EMAHook', emaType: 'MomentumAnnealingEMA', momentum: 0.01, gamma: 5, updateBuffers: true },
      { type: 'EarlyStoppingHook', monitor: 'accuracy/top1', patience: 1000 },
    ],
    randomness: { seed: 7 },
    device: 'cpu',
    workDir,
  };
}
