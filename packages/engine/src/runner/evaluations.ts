/** The evaluations of a Runner: by themselves (`val`, `test`), and those that a training run has in between. Their steps are compiled once. */

import { type CompiledFunction, OmmaError } from '@omma/core';
import { ttaModels } from '../config/registries.ts';
import type { Config } from '../config/types.ts';
import type { BatchLoader } from '../data/loader.ts';
import type { Dataset } from '../data/types.ts';
import { gatherPredictions, neededInputs } from '../distributed/gather.ts';
import { allGatherText } from '../distributed/text.ts';
import { buildEvaluator } from '../evaluation/config.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';
import type { EvaluationConfig } from '../loops/config.ts';
import { type EvaluationLoopOptions, type EvaluationStep, evaluationLoop } from '../loops/evaluationLoop.ts';
import type { TestOptions } from './api.ts';
import { compileEvaluationStep } from './evaluationStep.ts';
import type { EvaluationEvent } from './events.ts';
import type { TtaModel } from './model.ts';
import { mixedPrecisionFor } from './precision.ts';
import type { Runner } from './runner.ts';

/** Where an evaluation stands in a run, and what is called around its batches. */
type EvaluationPlace = Pick<EvaluationLoopOptions, 'epoch' | 'iteration' | 'before' | 'after'>;

/** What is evaluated, and how. */
interface Evaluated extends Pick<EvaluationLoopOptions, 'loader' | 'evaluator' | 'step'> {
  readonly losses: boolean;
}

export class Evaluations {
  readonly #runner: Runner;
  /** By what they compute. */
  readonly #steps = new Map<string, CompiledFunction>();
  #dataset: Dataset | null = null;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** What is being evaluated, or was last. */
  get dataset(): Dataset | null {
    return this.#dataset;
  }

  /** Evaluates outside of training, with the points that hooks have for it. `what`: on which of the config's data. */
  async run(
    what: 'val' | 'test',
    checkpoint: string | undefined,
    { tta = false, step }: TestOptions,
  ): Promise<EvaluationEvent> {
    const runner = this.#runner;
    const { config, hooks, context } = runner;
    const { dataloader, evaluator, settings } = partsOf(what, config);
    const ttaModel = tta ? requiredTta(what, config) : null;
    await hooks.each((hook) => hook.beforeRun?.(context));
    if (checkpoint !== undefined) await runner.loadWeights(checkpoint);
    else if (step === undefined) await runner.firstWeights();
    await hooks.each((hook) => hook.beforeTest?.(context));
    const loader = runner.loader((tta ? config.ttaDataloader : undefined) ?? dataloader, false);
    try {
      const losses = settings.loss === true && ttaModel === null && step === undefined;
      const evaluated = {
        loader,
        evaluator,
        losses,
        step: step ?? this.#step({ ...settings, loss: losses }, ttaModel),
      };
      const evaluation = await this.#evaluate(evaluated, {
        epoch: null,
        iteration: null,
        before: (batch) => hooks.each((hook) => hook.beforeTestIteration?.(context, batch)),
        after: ({ batch, outputs }) =>
          hooks.each((hook) => hook.afterTestIteration?.(context, batch, outputs)),
      });
      await hooks.each((hook) => hook.afterTest?.(context, evaluation));
      await hooks.each((hook) => hook.afterRun?.(context, null));
      await runner.distributed?.finish();
      return evaluation;
    } finally {
      await loader.dispose();
    }
  }

  /** How a training run evaluates on `loader`; null when its config measures nothing. */
  duringTraining(loader: BatchLoader): ((place: EvaluationPlace) => Promise<EvaluationEvent>) | null {
    const { valConfig = {}, valEvaluator } = this.#runner.config;
    const step = this.stepDuringTraining();
    if (step === null) return null;
    const evaluator = buildEvaluator(valEvaluator);
    return (place) => this.#evaluate({ loader, evaluator, losses: valConfig.loss ?? false, step }, place);
  }

  /** The step of the evaluations of a training run; null when its config measures nothing. */
  stepDuringTraining(): EvaluationStep | null {
    const { valConfig = {}, valEvaluator = [] } = this.#runner.config;
    return valEvaluator.length === 0 && valConfig.loss !== true ? null : this.#step(valConfig, null);
  }

  dispose(): void {
    for (const step of this.#steps.values()) step.dispose();
    this.#steps.clear();
  }

  #evaluate(evaluated: Evaluated, place: EvaluationPlace): Promise<EvaluationEvent> {
    this.#dataset = evaluated.loader.dataset;
    const runner = this.#runner;
    const { distributed, isMain } = runner;
    const { metrics } = evaluated.evaluator;
    return evaluationLoop({
      ...evaluated,
      ...place,
      isMain,
      emit: (event) => runner.emit(event),
      ...(distributed === null
        ? {}
        : {
            gather: (own) =>
              distributed.guard(
                gatherPredictions(distributed.communicator, own, neededInputs(metrics, own.batch)),
              ),
            gatherText: (own) => distributed.guard(allGatherText(distributed.group, own)),
          }),
    });
  }

  /** The model's predictions as the settings want them, or those of the config's test-time augmentation; compiled once. */
  #step({ amp, loss = false }: EvaluationConfig, tta: TtaModel | null): CompiledFunction {
    const { model, device, config } = this.#runner;
    const setting = amp ?? config.optimWrapper?.amp ?? 'off';
    const key = `${setting} ${loss} ${tta !== null}`;
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const made = compileEvaluationStep(model, device, mixedPrecisionFor(device, setting), {
      tta,
      losses: loss,
    });
    this.#steps.set(key, made);
    return made;
  }
}

/** Data, metrics and settings of an evaluation. OmmaError where the config has no data for it or nothing to measure. */
function partsOf(
  what: 'val' | 'test',
  { valDataloader, valEvaluator, valConfig, ...config }: Config,
): { dataloader: NonNullable<Config['valDataloader']>; evaluator: Evaluator; settings: EvaluationConfig } {
  const own = what === 'val';
  const dataloader = own ? valDataloader : (config.testDataloader ?? valDataloader);
  const settings = (own ? valConfig : (config.testConfig ?? valConfig)) ?? {};
  const evaluator = buildEvaluator(own ? valEvaluator : (config.testEvaluator ?? valEvaluator));
  if (dataloader === undefined)
    throw new OmmaError(
      `${what}: the config has ${own ? 'no valDataloader' : 'neither testDataloader nor valDataloader'}; add one`,
    );
  if (evaluator.isEmpty && settings.loss !== true)
    throw new OmmaError(`${what}: the config has no valEvaluator, so there is nothing to measure; add one`);
  return { dataloader, evaluator, settings };
}

function requiredTta(what: string, { ttaModel }: Config): TtaModel {
  if (ttaModel !== undefined) return ttaModels.build(ttaModel);
  throw new OmmaError(`${what}: the config has no ttaModel; add one, such as { type: 'AverageClsScoreTTA' }`);
}
