/** Trainable parameters that the loss gives no gradient: what MMEngine's `detect_anomalous_params` finds. Known from the graph, before a step is run. */

import { reachable, type TensorType, trace } from '@omma/core';
import { withRandomKey } from '@omma/nn';
import type { TrainState } from './trainState.ts';

/** Their names, for a batch of these types. */
export function unusedParameters(state: TrainState, batch: Readonly<Record<string, TensorType>>): string[] {
  const trainable = state.trainable();
  let used: boolean[] = [];
  trace((inputs) => {
    state.model.train();
    const { loss } = withRandomKey(state.random.read(), () => state.model.loss(inputs));
    used = reachable(
      loss,
      trainable.map(([, parameter]) => parameter.read()),
    );
    return {};
  }, batch);
  return trainable.flatMap(([name], i) => (used[i] === true ? [] : [name]));
}

/** A line about them; null when there are none. */
export function unusedWarning(names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const some = names.slice(0, 5).join(', ');
  const rest = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `the loss does not depend on ${some}${rest}: weight decay alone will move them; use them in the loss, or freeze them`;
}
