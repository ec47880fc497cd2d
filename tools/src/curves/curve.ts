/** One training run of a config as a curve: the loss of every step, and what the evaluations said. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, Runner, type RunnerListener, type Scalars } from '@omma/engine';
import { movedWeight } from '../golden/moved.ts';

export interface Curve {
  readonly device: string;
  /** Number of the way in which its weights were moved at first; null when they were not. */
  readonly moved: number | null;
  /** Of every step. */
  readonly losses: readonly number[];
  /** Of every evaluation. */
  readonly metrics: readonly Scalars[];
  readonly seconds: number;
}

/** Trains `config` on `device`, from the weights that its seed draws, or from those moved by what rounding alone could change. */
export async function trainingCurve(
  config: Config,
  device: string,
  moved: number | null,
  onEvent: RunnerListener = () => undefined,
): Promise<Curve> {
  const started = performance.now();
  const workDir = await mkdtemp(join(tmpdir(), 'omma-curve-'));
  const losses: number[] = [];
  const metrics: Scalars[] = [];
  try {
    const runner = await Runner.create(
      { ...config, device, workDir },
      {
        onEvent: (event) => {
          onEvent(event);
          if (event.type === 'iteration') losses.push(event.loss);
          else if (event.type === 'evaluation') metrics.push(event.metrics);
        },
      },
    );
    try {
      if (moved !== null) await moveWeights(runner, moved);
      await runner.train();
    } finally {
      await runner.dispose();
    }
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  return { device, moved, losses, metrics, seconds: (performance.now() - started) / 1000 };
}

async function moveWeights(runner: Runner, run: number): Promise<void> {
  await runner.firstWeights();
  for (const parameter of runner.model.parameters()) {
    const { data } = await parameter.download();
    if (data instanceof Float32Array) await parameter.upload(movedWeight(parameter.name, data, run));
  }
}
