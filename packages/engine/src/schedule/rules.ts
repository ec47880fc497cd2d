/**
 * The families as rules: the value at a step of the span, from the value before it.
 *
 * They are recursions, as MMEngine has them, and not functions of the step alone: so schedules that act at the same time compose (a warm-up on top of
 * a cosine) and give MMEngine's numbers whatever they are composed of.
 */

import { OmmaError } from '@omma/core';
import { ownFamilyOf, schedulerFamilies } from './ownFamilies.ts';
import { checkedFamily } from './schema.ts';
import { isFamily, isOneCycle, type OneCycleConfig, type SchedulerConfig } from './types.ts';

/** `value` before, `base` that training began with, `step` of the span from 0. */
export type Rule = (value: number, base: number, step: number) => number;

/** A span in the units that a schedule counts in. */
export interface SpanLength {
  readonly length: number;
  /** Units per number of the config: 1, or iterations per epoch when converted. */
  readonly scale: number;
}

/** The rule of every schedule but ReduceOnPlateau. */
export function ruleOf(config: SchedulerConfig, span: SpanLength): Rule {
  const own = ownFamilyOf(config.type);
  if (own !== null) return schedulerFamilies.build(checkedFamily(own, config))(span);
  const { length, scale } = span;
  if (isFamily(config, 'Constant')) return constant(config.factor ?? 1 / 3, length);
  if (isFamily(config, 'Linear')) return linear(config.startFactor ?? 1 / 3, config.endFactor ?? 1, length);
  if (isFamily(config, 'Step')) {
    const size = Math.max(1, Math.round(config.stepSize * scale));
    const { gamma = 0.1 } = config;
    return (value, _, step) => (step > 0 && step % size === 0 ? value * gamma : value);
  }
  if (isFamily(config, 'MultiStep')) {
    const milestones = config.milestones.map((milestone) => Math.round(milestone * scale));
    const { gamma = 0.1 } = config;
    return (value, _, step) => value * gamma ** milestones.filter((milestone) => milestone === step).length;
  }
  if (isFamily(config, 'Exponential')) {
    const { gamma, startFactor = 1 } = config;
    return (value, _, step) => value * (step === 0 ? startFactor : gamma);
  }
  if (isFamily(config, 'CosineAnnealing')) {
    const period = config.tMax === undefined ? length : config.tMax * scale;
    const floor = floorOf(config);
    return (value, base, step) => cosineAnnealing(value, base, floor(base), step, period);
  }
  if (isFamily(config, 'CosineRestart')) return cosineRestart(config, scale);
  if (isFamily(config, 'Poly')) {
    const { power = 1, etaMin = 0 } = config;
    return (value, _, step) =>
      step === 0 ? value : (value - etaMin) * (1 - 1 / (length - step)) ** power + etaMin;
  }
  if (isFamily(config, 'Inv')) {
    const { gamma, power = 1 } = config;
    const divisor = (step: number) => 1 + (gamma * step) / scale;
    return (value, _, step) => (step === 0 ? value : value * (divisor(step - 1) / divisor(step)) ** power);
  }
  if (isFamily(config, 'QuadraticWarmup'))
    return (value, base, step) => (step === 0 ? 0 : value) + (base * (2 * step + 1)) / length ** 2;
  if (isOneCycle(config)) return oneCycle(config, span);
  throw new Error(`schedule: ${config.type} has no rule`);
}

function constant(factor: number, length: number): Rule {
  return (value, _, step) => {
    if (step === 0) return value * factor;
    return step === length - 1 ? value * (1 / factor) : value;
  };
}

function linear(start: number, end: number, length: number): Rule {
  return (value, _, step) => {
    if (step === 0) return value * start;
    return value * (1 + (end - start) / ((length - 1) * start + (step - 1) * (end - start)));
  };
}

function floorOf({
  etaMin,
  etaMinRatio,
}: {
  etaMin?: number;
  etaMinRatio?: number;
}): (base: number) => number {
  return (base) => (etaMinRatio === undefined ? (etaMin ?? 0) : base * etaMinRatio);
}

/** At the turning points, where the recursion would divide by zero, the value takes the step that the cosine does. */
function cosineAnnealing(value: number, base: number, floor: number, step: number, period: number): number {
  if (step === 0) return value;
  if ((step - 1 - period) % (2 * period) === 0)
    return value + ((base - floor) * (1 - Math.cos(Math.PI / period))) / 2;
  return cosineStep(value, floor, step, period);
}

/** From one step of half a cosine to the next. */
function cosineStep(value: number, floor: number, step: number, period: number): number {
  const ratio = (1 + Math.cos((Math.PI * step) / period)) / (1 + Math.cos((Math.PI * (step - 1)) / period));
  return ratio * (value - floor) + floor;
}

function cosineRestart(
  config: {
    periods: readonly number[];
    restartWeights?: readonly number[];
    etaMin?: number;
    etaMinRatio?: number;
  },
  scale: number,
): Rule {
  const { restartWeights = config.periods.map(() => 1) } = config;
  if (restartWeights.length !== config.periods.length) {
    throw new OmmaError(
      `paramScheduler: CosineRestart needs a restart weight for each of its ${config.periods.length} periods but has ${restartWeights.length}`,
    );
  }
  const floor = floorOf(config);
  let start = 0;
  const cycles = config.periods.map((period, i) => {
    const cycle = { start, period: Math.round(period * scale), weight: restartWeights[i] ?? 1 };
    start += cycle.period;
    return cycle;
  });
  return (value, base, step) => {
    const cycle = cycles.find((candidate) => step < candidate.start + candidate.period);
    if (cycle === undefined) return value;
    if (step === cycle.start) return base * cycle.weight;
    return cosineStep(value, floor(base), step - cycle.start, cycle.period);
  };
}

function oneCycle(config: OneCycleConfig, { length, scale }: SpanLength): Rule {
  const { etaMax, pctStart = 0.3, annealStrategy = 'cos', threePhase = false } = config;
  const total = config.totalSteps === undefined ? length : config.totalSteps * scale;
  if (length - 1 > total) {
    throw new OmmaError(
      `paramScheduler: ${config.type} has totalSteps ${config.totalSteps} but acts for ${length / scale}; raise it, or set end`,
    );
  }
  const initial = initialOf(config);
  const final = initial / (config.finalDivFactor ?? 1e4);
  const peak = pctStart * total - 1;
  const up = { end: peak, from: initial, to: etaMax };
  const phases = threePhase
    ? [
        up,
        { end: 2 * pctStart * total - 2, from: etaMax, to: initial },
        { end: total - 1, from: initial, to: final },
      ]
    : [up, { end: total - 1, from: etaMax, to: final }];
  return (_value, _base, step) => {
    let start = 0;
    for (const [i, { end, from, to }] of phases.entries()) {
      if (step <= end || i === phases.length - 1)
        return anneal(annealStrategy, from, to, end === start ? 1 : (step - start) / (end - start));
      start = end;
    }
    return final;
  };
}

/** Where a 1cycle begins, whatever the optimiser's own value is. */
export function initialOf({ etaMax, divFactor = 25 }: OneCycleConfig): number {
  return etaMax / divFactor;
}

function anneal(strategy: 'cos' | 'linear', from: number, to: number, progress: number): number {
  if (strategy === 'linear') return from + (to - from) * progress;
  return to + ((from - to) * (1 + Math.cos(Math.PI * progress))) / 2;
}
