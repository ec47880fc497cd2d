/** `--ema` and `--raw` as the choice that they mean. */

import type { WeightChoice } from '@omma/engine';

export interface ChoiceOptions {
  readonly ema?: boolean;
  readonly raw?: boolean;
}

export function choiceOf({ ema, raw }: ChoiceOptions): WeightChoice {
  return ema === true ? 'ema' : raw === true ? 'raw' : 'auto';
}

/** JSON, with the numbers that it lacks as text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'number' && !Number.isFinite(item) ? String(item) : item,
  );
}
