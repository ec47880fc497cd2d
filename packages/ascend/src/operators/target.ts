/** What a model is compiled for, from the names a user gives. */

import { OmmaError } from '@omma/core';
import { precisions, type Target } from './evaluate.ts';
import { findSoc, findToolkit } from './table.ts';

/** Used where nothing is said: the release whose operator information was read. */
export const defaultCann = '8.1.RC1';
export const defaultSoc = 'Ascend910B3';

/** The target that these names mean. Throws OmmaError for a name that is not known. */
export function targetFor(
  soc: string = defaultSoc,
  cann: string = defaultCann,
  precision: string = 'origin',
): Target {
  const known = precisions.find((name) => name === precision);
  if (known === undefined) {
    throw new OmmaError(
      `precision should be one of ${precisions.join(', ')} but is ${JSON.stringify(precision)}`,
    );
  }
  return { soc: findSoc(soc), toolkit: findToolkit(cann), cann, precision: known };
}
