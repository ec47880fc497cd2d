/** Metrics that a config names: whether evaluations give them, which way is up, and by how much one got better. Shared by what keeps the best and what stops when nothing improves. */

import { nearest } from '../config/nearest.ts';

export type Rule = 'greater' | 'less';

/** Parts of names of metrics that are better when they are greater, or less; they come before what the names say by themselves. */
export interface RuleKeys {
  readonly greaterKeys?: readonly string[] | undefined;
  readonly lessKeys?: readonly string[] | undefined;
}

/** `rule`, or what the metric's name says: losses and errors are better when they are less. */
export function directionOf(
  metric: string,
  rule?: Rule,
  { greaterKeys = [], lessKeys = [] }: RuleKeys = {},
): Rule {
  if (rule !== undefined) return rule;
  if (greaterKeys.some((key) => metric.includes(key))) return 'greater';
  return /loss|error/.test(metric) || lessKeys.some((key) => metric.includes(key)) ? 'less' : 'greater';
}

/** True when `value` is better than `best` by more than `minDelta`. A value that is not a number never is. */
export function betterThan(value: number, best: number, rule: Rule, minDelta = 0): boolean {
  return rule === 'greater' ? value - best > minDelta : best - value > minDelta;
}

/** What is wrong with `setting` ('saveBest is'), which names a `metric` that is not among those `known`, with the nearest of them. */
export function unknownMetric(setting: string, metric: string, known: readonly string[]): string {
  const last = (name: string) => name.slice(name.lastIndexOf('/') + 1);
  const close = nearest(metric, known) ?? known.find((name) => last(name) === last(metric));
  return (
    `${setting} ${metric}, but the evaluation gives ${known.join(', ') || 'no metric'}` +
    `${close === undefined ? '' : `; did you mean ${close}?`}`
  );
}
