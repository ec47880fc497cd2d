/**
 * VisualizationHook: during evaluations, draws the predictions of some samples and hands the pictures to the log backends. The same
 * samples every time, spread over the data set, so that one sees how a model comes to its mind about them.
 *
 * How a prediction looks is the model's business (`TrainableModel.draw`); a model that cannot draw has no pictures.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostTensor } from '@omma/core';
import { makeFolder } from '@omma/storage';
import type { Batch, Dataset } from '../data/types.ts';
import type { LoggedImage } from '../log/backend.ts';
import type { RunContext } from '../runner/context.ts';
import type { VisualizationHookConfig } from './config.ts';
import type { Hook } from './hook.ts';

const defaultImages = 8;

/** What the hook draws from and gives to. */
export interface VisualizationPlaces {
  addImage(image: Omit<LoggedImage, 'time' | 'step'>): void;
  /** The data set that is being evaluated. */
  dataset(): Dataset | null;
}

export class VisualizationHook implements Hook {
  readonly name = 'VisualizationHook';
  readonly #config: VisualizationHookConfig;
  readonly #places: VisualizationPlaces;
  #seen = 0;
  #drawn = 0;

  constructor(config: VisualizationHookConfig, places: VisualizationPlaces) {
    this.#config = config;
    this.#places = places;
  }

  async beforeVal(): Promise<void> {
    this.#begin();
  }

  async beforeTest(): Promise<void> {
    this.#begin();
  }

  async afterValIteration(context: RunContext, batch: Batch, outputs: Outputs): Promise<void> {
    await this.#draw(context, batch, outputs, async (image) => this.#places.addImage(image));
  }

  async afterTestIteration(context: RunContext, batch: Batch, outputs: Outputs): Promise<void> {
    const { testOutDir } = this.#config;
    if (testOutDir === undefined) return;
    await makeFolder(testOutDir);
    await this.#draw(context, batch, outputs, async ({ name, format, bytes }) => {
      const file = `${name.replace(/^val\//, '').replace(/[^\p{L}\p{N}._-]+/gu, '_')}.${format}`;
      await writeFile(join(testOutDir, file), bytes);
    });
  }

  #begin(): void {
    this.#seen = 0;
    this.#drawn = 0;
  }

  async #draw(
    { model, isMain }: RunContext,
    batch: Batch,
    outputs: Outputs,
    give: (image: Omit<LoggedImage, 'time' | 'step'>) => Promise<void>,
  ): Promise<void> {
    const { enable = true, maxImages = defaultImages } = this.#config;
    const dataset = this.#places.dataset();
    if (!enable || !isMain || model.draw === undefined || dataset === null) return;
    const interval = this.#config.interval ?? Math.max(1, Math.floor(dataset.length / maxImages));
    for (let row = 0; row < batch.count; row++) {
      if (this.#seen++ % interval !== 0 || this.#drawn >= maxImages) continue;
      this.#drawn++;
      const drawn = await model.draw({ batch, outputs, row, classes: dataset.classes });
      if (drawn === null) return;
      const index = batch.indices[row] ?? 0;
      await give({ ...drawn, name: `val/${shortened(dataset.nameOf(index))}` });
    }
  }
}

type Outputs = Readonly<Record<string, HostTensor>>;

/** The last two parts of a path: the class's folder and the file. */
function shortened(name: string): string {
  return name.split(/[/\\]/).slice(-2).join('/');
}
