/** Which weights of a file are meant when it holds them twice, once averaged (EMA). */

import { OmmaError } from '@omma/core';

/** `auto`: averaged where there are averages, as MMEngine does it; `ema`: averaged or nothing; `raw`: as the optimiser left them. */
export type WeightChoice = 'auto' | 'ema' | 'raw';

export function requireAverages(choice: WeightChoice, count: number): void {
  if (choice === 'ema' && count === 0)
    throw new OmmaError('it holds no averaged weights (EMA), only one set of weights');
}
