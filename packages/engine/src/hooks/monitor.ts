/** Whether a metric got better: which way is up, and by how much. Shared by what keeps the best and what stops when nothing improves. */

export type Rule = 'greater' | 'less';

/** `rule`, or what the metric's name says: losses and errors are better when they are less. */
export function directionOf(metric: string, rule?: Rule): Rule {
  return rule ?? (/loss|error/.test(metric) ? 'less' : 'greater');
}

/** True when `value` is better than `best` by more than `minDelta`. A value that is not a number never is. */
export function betterThan(value: number, best: number, rule: Rule, minDelta = 0): boolean {
  return rule === 'greater' ? value - best > minDelta : best - value > minDelta;
}
