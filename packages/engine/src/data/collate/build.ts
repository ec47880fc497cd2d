/** From a config to a collate, on the main thread and in worker threads: those that come with Omma are known to both. */

import './pad.ts';
import './stack.ts';
import { type Collate, type CollateConfig, collates } from './collate.ts';

/** A collate and what it is called in messages. */
export interface NamedCollate {
  readonly name: string;
  readonly collate: Collate;
}

/** The collate of a data loader. */
export function buildCollate(config: CollateConfig = { type: 'StackCollate' }): NamedCollate {
  return { name: config.type, collate: collates.build(config) };
}
