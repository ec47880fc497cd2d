/** Schedules that end before they begin, as far as the config alone tells: told with its other mistakes, before anything is built. */

import type { Problem } from '../config/problems.ts';

/** What is wrong with `begin` and `end` of the schedules in a config, checked or not. */
export function spanProblems(config: unknown): Problem[] {
  const schedules = memberOf(config, 'paramScheduler');
  if (!Array.isArray(schedules)) return [];
  return schedules.flatMap((schedule: unknown, i): Problem[] => {
    const begin = memberOf(schedule, 'begin') ?? 0;
    const own = memberOf(schedule, 'end');
    const end = own ?? lastOf(config, schedule);
    if (typeof begin !== 'number' || typeof end !== 'number' || begin < end) return [];
    if (own !== undefined)
      return [
        {
          path: ['paramScheduler', i, 'end'],
          value: own,
          message: `expected a number above begin, ${begin}`,
        },
      ];
    const message = `expected a number below ${end}, where the training ends`;
    return [{ path: ['paramScheduler', i, 'begin'], value: begin, message }];
  });
}

/** Where a schedule ends that does not say: with the training, where that is counted in the same unit. */
function lastOf(config: unknown, schedule: unknown): unknown {
  const unit = memberOf(schedule, 'byEpoch') === false ? 'maxIters' : 'maxEpochs';
  return memberOf(memberOf(config, 'trainConfig'), unit);
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
