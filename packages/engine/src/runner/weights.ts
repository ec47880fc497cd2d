/** The first weights of a Runner's model: drawn from the seed, or a file's. */

import type { HostTensor } from '@omma/core';
import { initialize } from '@omma/nn';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { loadModelWeights, modelWeights } from '../checkpoint/modelWeights.ts';
import { inDtypesOf, restore } from '../checkpoint/restore.ts';
import { type LoadFromOptions, restoreFitting, revisedNames } from './loadFrom.ts';
import type { Runner } from './runner.ts';
import { modelVariables } from './trainState.ts';

export class Weights {
  readonly #runner: Pick<Runner, 'config' | 'model' | 'seed' | 'emit'>;
  #there = false;

  constructor(runner: Pick<Runner, 'config' | 'model' | 'seed' | 'emit'>) {
    this.#runner = runner;
  }

  /** Those of `loadFrom`, or from the seed; nothing when the model has some already. */
  async first(): Promise<void> {
    if (this.#there) return;
    const { config, model, seed } = this.#runner;
    const { loadFrom } = config;
    if (typeof loadFrom === 'string') return this.load(loadFrom);
    if (loadFrom !== undefined) return this.load(loadFrom.checkpoint, loadFrom);
    await initialize(model, seed);
    await this.#pretrained();
    this.#there = true;
  }

  /** Files that parts of the model start from by their own configs: what fits of them, with a warning where that is not all. */
  async #pretrained(): Promise<void> {
    for (const [path, module] of this.#runner.model.namedModules()) {
      if (module.pretrained === null) continue;
      const { checkpoint, prefix } = module.pretrained;
      const below = prefix === undefined ? '' : `${prefix.replace(/\.$/, '')}.`;
      const revised = revisedNames(await this.#read(checkpoint), { prefix: below });
      const named = new Map(
        [...revised].map(([name, tensor]) => [path === '' ? name : `${path}.${name}`, tensor]),
      );
      const variables = [...module.parameters(), ...module.buffers()];
      const left = await restoreFitting(checkpoint, inDtypesOf(variables, named), variables);
      if (left !== null) this.#runner.emit({ type: 'warning', message: left });
    }
  }

  #read(location: string): Promise<ReadonlyMap<string, HostTensor>> {
    const onDownload = (done: number, total: number) =>
      this.#runner.emit({ type: 'downloadProgress', location, done, total });
    return loadModelWeights(location, { onDownload });
  }

  /** Those of a checkpoint or of any weight file, at a path or an address, by name; with `strict: false` what fits of them, with a warning. */
  async load(source: string | Checkpoint, options: LoadFromOptions = {}): Promise<void> {
    const { model, seed } = this.#runner;
    const path = typeof source === 'string' ? source : source.path;
    const weights = typeof source === 'string' ? await this.#read(source) : modelWeights(source.tensors);
    const variables = modelVariables(model);
    const revised = inDtypesOf(variables, revisedNames(weights, options));
    if (options.strict === false) {
      await initialize(model, seed);
      const left = await restoreFitting(path, revised, variables);
      if (left !== null) this.#runner.emit({ type: 'warning', message: left });
    } else await restore(path, revised, variables);
    this.#there = true;
  }
}
