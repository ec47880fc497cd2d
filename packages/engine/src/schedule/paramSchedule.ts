/**
 * The values of learning rates, momentum and weight decays at every iteration.
 *
 * A value is worked out from that of the iteration before, by every schedule that ticks in between: those by iteration first, then, at an epoch's end,
 * those by epoch, then what a plateau has reduced; each in the order of the list. That is MMEngine's order. Nothing but the iteration and the plateaus'
 * memory is needed to get there again, so a resumed run has the same values, and one with another config those of that config.
 */

import { OmmaError } from '@omma/core';
import { unknownMetric } from '../hooks/monitor.ts';
import { freshPlateau, observed, type PlateauState, reduced } from './plateau.ts';
import { initialOf, type Rule, ruleOf } from './rules.ts';
import {
  isOneCycle,
  isPlateau,
  type PlateauConfig,
  type ScheduledParam,
  type SchedulerConfig,
  scheduledParam,
} from './types.ts';

/** How long a run is. */
export interface Horizon {
  readonly maxIterations: number;
  readonly iterationsPerEpoch: number;
}

/** One number that schedules move: the learning rate of a parameter group, or the momentum of all. */
export interface ScheduledValue {
  readonly name: string;
  readonly param: ScheduledParam;
  /** The part of the model whose optimiser has it; the main one unless given. */
  readonly optimizer?: string;
  /** What it is before any schedule. */
  readonly initial: number;
}

/** A schedule that ticks, on one value. */
interface Stage {
  readonly byEpoch: boolean;
  readonly begin: number;
  readonly end: number;
  readonly base: number;
  readonly rule: Rule;
}

interface Track {
  readonly value: ScheduledValue;
  readonly stages: readonly Stage[];
}

interface Plateau {
  readonly config: PlateauConfig;
  state: PlateauState;
}

export class ParamSchedule {
  readonly #horizon: Horizon;
  readonly #tracks: readonly Track[];
  readonly #plateaus: readonly Plateau[];
  #iteration = 0;
  #values: number[];

  constructor(values: readonly ScheduledValue[], schedulers: readonly SchedulerConfig[], horizon: Horizon) {
    this.#horizon = horizon;
    const ticking = schedulers.filter((config) => !isPlateau(config));
    this.#tracks = values.map((value) => ({ value, stages: stagesOf(value, ticking, horizon) }));
    this.#plateaus = schedulers.filter(isPlateau).map((config) => ({ config, state: freshPlateau }));
    this.#values = this.#first();
  }

  /** The values at an iteration of the run, counted from 0, by name. */
  at(iteration: number): Readonly<Record<string, number>> {
    if (iteration < this.#iteration) this.#rewind();
    while (this.#iteration < iteration) this.#tick(++this.#iteration);
    return Object.fromEntries(
      this.#tracks.map(({ value }, i) => [value.name, this.#values[i] ?? Number.NaN]),
    );
  }

  /** Tells the plateaus what an evaluation gave when `epoch` epochs were finished. Gives a mistake where one of them watches something else. */
  observe(epoch: number, metrics: Readonly<Record<string, number>>): string | null {
    for (const plateau of this.#plateaus) {
      const metric = metrics[plateau.config.monitor];
      if (metric === undefined) return this.mistakeIn(Object.keys(metrics));
      const moment = { metric, epoch, maxEpochs: epochsOf(this.#horizon) };
      plateau.state = observed(plateau.config, plateau.state, moment);
    }
    this.#rewind();
    return null;
  }

  /** What is wrong with the metrics that are watched, when evaluations give those `known`; null when nothing is. */
  mistakeIn(known: readonly string[]): string | null {
    const wrong = this.#plateaus.find(({ config }) => !known.includes(config.monitor))?.config;
    return wrong === undefined
      ? null
      : unknownMetric(`paramScheduler: ${wrong.type} monitors`, wrong.monitor, known);
  }

  /** True when there is something to observe. */
  get watches(): boolean {
    return this.#plateaus.length > 0;
  }

  /** Takes up what `plateaus` gave when a checkpoint was made. A schedule that was not there then begins anew. */
  restore(states: readonly PlateauState[]): void {
    this.#plateaus.forEach((plateau, i) => {
      plateau.state = states[i] ?? freshPlateau;
    });
    this.#rewind();
  }

  /** What a checkpoint keeps. */
  plateaus(): PlateauState[] {
    return this.#plateaus.map(({ state }) => state);
  }

  #rewind(): void {
    this.#iteration = 0;
    this.#values = this.#first();
  }

  /** The values at iteration 0: every schedule that begins there has taken its first step. */
  #first(): number[] {
    return this.#tracks.map(({ value, stages }) =>
      stages.reduce((before, stage) => ticked(stage, before, 0), value.initial),
    );
  }

  /** Moves the values from the iteration before to `iteration`. */
  #tick(iteration: number): void {
    const { iterationsPerEpoch } = this.#horizon;
    const epoch = iteration % iterationsPerEpoch === 0 ? iteration / iterationsPerEpoch : null;
    this.#values = this.#tracks.map(({ value, stages }, i) => {
      let next = this.#values[i] ?? value.initial;
      for (const stage of stages) if (!stage.byEpoch) next = ticked(stage, next, iteration);
      if (epoch === null) return next;
      for (const stage of stages) if (stage.byEpoch) next = ticked(stage, next, epoch);
      for (const { config, state } of this.#plateaus)
        if (moves(config, value) && state.reducedAfter.includes(epoch)) next = reduced(config, next);
      return next;
    });
  }
}

function ticked({ begin, end, rule, base }: Stage, value: number, position: number): number {
  return begin <= position && position < end ? rule(value, base, position - begin) : value;
}

/** True when `config` is for this value. */
function moves(config: SchedulerConfig, { param, optimizer = '' }: ScheduledValue): boolean {
  return scheduledParam(config) === param && (config.optimizer ?? '') === optimizer;
}

/** The schedules of one value. A weight decay of 0 stays 0. */
function stagesOf(value: ScheduledValue, schedulers: readonly SchedulerConfig[], horizon: Horizon): Stage[] {
  if (value.param === 'weightDecay' && value.initial === 0) return [];
  let base = value.initial;
  return schedulers.flatMap((config) => {
    if (isPlateau(config) || !moves(config, value)) return [];
    if (isOneCycle(config)) base = initialOf(config);
    return [stageOf(config, base, horizon)];
  });
}

function stageOf(config: Exclude<SchedulerConfig, PlateauConfig>, base: number, horizon: Horizon): Stage {
  const { maxIterations, iterationsPerEpoch } = horizon;
  const { byEpoch = true, convertToIterBased = false, begin = 0 } = config;
  const { end = byEpoch ? epochsOf(horizon) : maxIterations } = config;
  if (begin >= end) {
    throw new OmmaError(
      `paramScheduler: ${config.type} must begin before it ends but has begin ${begin} and end ${end}`,
    );
  }
  const converted = byEpoch && convertToIterBased;
  const scale = converted ? iterationsPerEpoch : 1;
  const span = {
    begin: Math.trunc(begin * scale),
    end: converted && config.end === undefined ? maxIterations : Math.trunc(end * scale),
  };
  return {
    ...span,
    byEpoch: byEpoch && !converted,
    base,
    rule: ruleOf(config, { length: span.end - span.begin, scale }),
  };
}

/** The learning rates of all iterations of a run whose optimiser has the learning rate `base`. */
export function learningRates(
  base: number,
  schedulers: readonly SchedulerConfig[],
  horizon: Horizon,
): Float64Array {
  const schedule = new ParamSchedule([{ name: 'lr', param: 'lr', initial: base }], schedulers, horizon);
  return Float64Array.from({ length: horizon.maxIterations }, (_, i) => schedule.at(i).lr ?? base);
}

/** Epochs of a run, the last of which may be cut short. */
function epochsOf({ maxIterations, iterationsPerEpoch }: Horizon): number {
  return Math.ceil(maxIterations / iterationsPerEpoch);
}
