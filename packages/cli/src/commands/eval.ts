/** `omma eval`: the metrics of a config over predictions that `omma test --dump` wrote, without the model. */

import { buildEvaluator, evaluateResults } from '@omma/engine';
import { type ConfigOptions, configFrom } from '../run/config.ts';
import { printEvaluation } from './test.ts';

export async function evaluate(file: string, results: string, options: ConfigOptions): Promise<void> {
  const { valEvaluator = [], testEvaluator = valEvaluator } = await configFrom(file, options);
  const started = performance.now();
  const evaluator = buildEvaluator(testEvaluator.filter(({ type }) => type !== 'DumpResults'));
  const evaluation = await evaluateResults(results, evaluator);
  const seconds = (performance.now() - started) / 1000;
  printEvaluation({ ...evaluation, seconds, skipped: [] }, options.json === true);
}
