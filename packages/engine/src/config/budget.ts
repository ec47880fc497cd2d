/**
 * The bound on what reading one config may cost, its bases included.
 *
 * Twenty lines of Python can ask for a list of 10^9 zeros, or for a dict that holds itself ten times at each of ten levels. Whatever
 * is evaluated, copied, merged or written out is paid for here, so that a hostile file ends in an error and not in a dead machine.
 */

import { OmmaError } from '@omma/core';
import { type ConfigSource, placeText } from './place.ts';

/** Ten times what the largest configs of MMDetection need. */
const defaultSteps = 500_000;
/** Files read, each time that one is. A base of two bases counts twice, because it is merged twice. */
const mostFiles = 500;
export const mostDepth = 100;

export class Budget {
  #steps: number;
  #files = 0;

  constructor(steps = defaultSteps) {
    this.#steps = steps;
  }

  /** Takes `steps` off. Throws when they are used up; `where` names the place that asked. */
  spend(steps: number, where: ConfigSource): void {
    this.#steps -= steps;
    if (this.#steps >= 0) return;
    throw new OmmaError(
      `${placeText(where)}: the config takes more than ${defaultSteps} steps to evaluate; it grows without bound, or it is no config`,
    );
  }

  file(where: ConfigSource): void {
    this.#files++;
    if (this.#files <= mostFiles) return;
    throw new OmmaError(
      `${placeText(where)}: the config reads more than ${mostFiles} files; bases that have the same bases are read again each time`,
    );
  }
}

/** Refuses values nested too deeply, those that contain themselves among them. */
export function checkDepth(depth: number, where: ConfigSource): void {
  if (depth > mostDepth)
    throw new OmmaError(
      `${placeText(where)}: the config nests more than ${mostDepth} levels, or contains itself`,
    );
}
