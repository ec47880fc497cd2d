/**
 * Parts of a config that need each other: MMEngine's rule that the loader, the loop and what goes with them are given together, or none of them.
 * Checked with everything else before a run begins, so that a long training does not end at its first evaluation.
 */

import type { Problem } from './problems.ts';

const training = ['trainDataloader', 'trainConfig', 'optimWrapper'] as const;

/** What is missing beside what is there. Nothing for what is no config at all: the schema says that. */
export function companionProblems(config: unknown): Problem[] {
  if (typeof config !== 'object' || config === null) return [];
  const has = (name: string) => Reflect.get(config, name) !== undefined;
  const measuresLoss = (name: string) => lossOf(Reflect.get(config, name));
  const missing = (name: string, why: string, cause: string | undefined): Problem => ({
    path: [name],
    value: undefined,
    message: `expected ${why}`,
    ...(cause === undefined ? {} : { cause: [cause] }),
  });
  const problems: Problem[] = [];
  const given = training.filter(has);
  if (given.length > 0) {
    const why = `beside ${given.join(' and ')}: training needs ${training.join(', ')}, or none of them`;
    problems.push(...training.filter((name) => !has(name)).map((name) => missing(name, why, given[0])));
  } else if (has('paramScheduler')) {
    problems.push(
      missing('optimWrapper', 'beside paramScheduler, which moves what is in it', 'paramScheduler'),
    );
  }
  if (has('valDataloader') && !has('valEvaluator') && !measuresLoss('valConfig'))
    problems.push(
      missing('valEvaluator', 'beside valDataloader, to measure on it; [] measures nothing', 'valDataloader'),
    );
  const measured = ['valEvaluator', 'valConfig'].filter(has);
  if (measured.length > 0 && !has('valDataloader') && !has('testDataloader'))
    problems.push(missing('valDataloader', `beside ${measured.join(' and ')}`, measured[0]));
  const measures = ['testEvaluator', 'valEvaluator'].some(has);
  if (has('testDataloader') && !measures && !measuresLoss('testConfig'))
    problems.push(missing('testEvaluator', 'beside testDataloader, to measure on it', 'testDataloader'));
  const tested = ['testEvaluator', 'testConfig'].filter(has);
  if (tested.length > 0 && !has('testDataloader') && !has('valDataloader'))
    problems.push(missing('testDataloader', `beside ${tested.join(' and ')}`, tested[0]));
  if (has('ttaDataloader') && !has('ttaModel'))
    problems.push(missing('ttaModel', 'beside ttaDataloader', 'ttaDataloader'));
  return problems;
}

/** True for a `valConfig` or `testConfig` that asks for losses. */
function lossOf(settings: unknown): boolean {
  return typeof settings === 'object' && settings !== null && Reflect.get(settings, 'loss') === true;
}
