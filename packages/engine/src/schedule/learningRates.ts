/**
 * The learning rate of every iteration, a function of its number alone.
 *
 * Each schedule maps the rate that the ones before it give to its own, from its position in its span; outside of its span it does
 * nothing before and keeps its last value after. So schedules chain (warm-up, then cosine) and overlap (warm-up times steps), as
 * OpenMMLab's do, and a resumed run needs nothing but the iteration.
 */

import { OmmaError } from '@omma/core';
import type { SchedulerConfig } from './types.ts';

export interface Horizon {
  readonly epochs: number;
  readonly iterationsPerEpoch: number;
}

/** The learning rate at an iteration of the run, counted from 0. */
export function learningRateSchedule(
  base: number,
  schedulers: readonly SchedulerConfig[],
  horizon: Horizon,
): (iteration: number) => number {
  const stages = schedulers.map((scheduler) => stageOf(scheduler, base, horizon));
  return (iteration) => stages.reduce((lr, stage) => stage(lr, iteration), base);
}

/** The learning rates of all iterations of the run. */
export function learningRates(
  base: number,
  schedulers: readonly SchedulerConfig[],
  horizon: Horizon,
): Float64Array {
  const rateAt = learningRateSchedule(base, schedulers, horizon);
  return Float64Array.from({ length: horizon.epochs * horizon.iterationsPerEpoch }, (_, i) => rateAt(i));
}

/** The rate after one schedule, from the rate before it. */
type Stage = (lr: number, iteration: number) => number;

/** Where in its span a schedule is: `step` of `length`, both in its own unit (epochs or iterations). */
interface Position {
  readonly step: number;
  readonly length: number;
  /** Units per epoch-based number of the config: 1, or iterations per epoch when converted. */
  readonly scale: number;
}

function stageOf(scheduler: SchedulerConfig, base: number, { epochs, iterationsPerEpoch }: Horizon): Stage {
  const { byEpoch = true, convertToIterBased = false } = scheduler;
  const everyIteration = !byEpoch || convertToIterBased;
  const scale = byEpoch && convertToIterBased ? iterationsPerEpoch : 1;
  const horizon = byEpoch ? epochs : epochs * iterationsPerEpoch;
  const begin = (scheduler.begin ?? 0) * scale;
  const end = (scheduler.end ?? horizon) * scale;
  if (begin >= end) {
    throw new OmmaError(
      `paramScheduler: ${scheduler.type} must begin before it ends but has begin ${begin / scale} and end ${end / scale}`,
    );
  }
  const length = end - begin;
  return (lr, iteration) => {
    const now = everyIteration ? iteration : Math.floor(iteration / iterationsPerEpoch);
    if (now < begin) return lr;
    return valueAt(scheduler, lr, base, { step: Math.min(now - begin, length - 1), length, scale });
  };
}

function valueAt(
  scheduler: SchedulerConfig,
  lr: number,
  base: number,
  { step, length, scale }: Position,
): number {
  switch (scheduler.type) {
    case 'ConstantLR':
      return step < length - 1 ? lr * (scheduler.factor ?? 1 / 3) : lr;
    case 'LinearLR': {
      const { startFactor = 1 / 3, endFactor = 1 } = scheduler;
      const progress = length === 1 ? 1 : step / (length - 1);
      return lr * (startFactor + (endFactor - startFactor) * progress);
    }
    case 'StepLR':
      return lr * (scheduler.gamma ?? 0.1) ** Math.floor(step / (scheduler.stepSize * scale));
    case 'MultiStepLR': {
      const passed = scheduler.milestones.filter((milestone) => step >= milestone * scale);
      return lr * (scheduler.gamma ?? 0.1) ** passed.length;
    }
    case 'ExponentialLR':
      return lr * scheduler.gamma ** (step / scale);
    case 'CosineAnnealingLR': {
      const span = scheduler.tMax === undefined ? length : scheduler.tMax * scale;
      const floor = scheduler.etaMin ?? (scheduler.etaMinRatio ?? 0) * base;
      return floor + ((lr - floor) * (1 + Math.cos((Math.PI * step) / span))) / 2;
    }
    case 'PolyLR': {
      const { power = 1, etaMin = 0 } = scheduler;
      return etaMin + (lr - etaMin) * (1 - step / length) ** power;
    }
    case 'OneCycleLR':
      return oneCycle(scheduler, step, length);
  }
}

/** Smith's 1cycle policy: up from etaMax / divFactor to etaMax, then down to far below where it began. */
function oneCycle(scheduler: SchedulerConfig & { type: 'OneCycleLR' }, step: number, length: number): number {
  const {
    etaMax,
    pctStart = 0.3,
    annealStrategy = 'cos',
    divFactor = 25,
    finalDivFactor = 1e4,
    threePhase = false,
  } = scheduler;
  const total = scheduler.totalSteps ?? length;
  const initial = etaMax / divFactor;
  const final = initial / finalDivFactor;
  const peak = pctStart * total - 1;
  const phases = threePhase
    ? [
        { end: peak, from: initial, to: etaMax },
        { end: 2 * pctStart * total - 2, from: etaMax, to: initial },
        { end: total - 1, from: initial, to: final },
      ]
    : [
        { end: peak, from: initial, to: etaMax },
        { end: total - 1, from: etaMax, to: final },
      ];
  let start = 0;
  for (const { end, from, to } of phases) {
    if (step <= end)
      return anneal(annealStrategy, from, to, end === start ? 1 : (step - start) / (end - start));
    start = end;
  }
  return final;
}

function anneal(strategy: 'cos' | 'linear', from: number, to: number, progress: number): number {
  if (strategy === 'linear') return from + (to - from) * progress;
  return to + ((from - to) * (1 + Math.cos(Math.PI * progress))) / 2;
}
